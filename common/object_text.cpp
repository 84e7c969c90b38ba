#include "common/object_text.h"

#include "common/json_text.h"

namespace postlude {

std::string& ObjectText::open(std::string_view key) {
  out_.push_back(empty_ ? '{' : ',');
  empty_ = false;
  append_json_string(out_, key);
  out_.push_back(':');
  return out_;
}

ObjectText& ObjectText::json(std::string_view key, std::string_view json) {
  open(key).append(json);
  return *this;
}

ObjectText& ObjectText::text(std::string_view key, std::string_view value) {
  append_json_string(open(key), value);
  return *this;
}

ObjectText& ObjectText::number(std::string_view key, long long value) {
  open(key).append(std::to_string(value));
  return *this;
}

ObjectText& ObjectText::flag(std::string_view key, bool value) {
  open(key).append(value ? "true" : "false");
  return *this;
}

ObjectText& ObjectText::texts(std::string_view key, const std::vector<std::string>& values) {
  std::string list = "[";
  for (const std::string& value : values) {
    list.append(list.size() > 1 ? "," : "");
    append_json_string(list, value);
  }
  return json(key, list.append("]"));
}

ObjectText& ObjectText::pairs(std::string_view key,
                              const std::vector<std::pair<std::string, std::string>>& values) {
  ObjectText object;
  for (const auto& [name, value] : values) {
    object.text(name, value);
  }
  return json(key, object.take());
}

}  // namespace postlude
