#include "common/json_members.h"

#include "common/durations.h"
#include "common/json_node.h"

#include <charconv>

namespace postlude {
namespace {

std::string_view what_it_is_not(JsonKind kind) {
  switch (kind) {
    case JsonKind::string:
      return "is not a string";
    case JsonKind::number:
      return "is not a number";
    case JsonKind::boolean:
      return "is not true or false";
    case JsonKind::array:
      return "is not an array";
    case JsonKind::object:
      return "is not an object";
    case JsonKind::null:
      break;
  }
  return "is not null";
}

}  // namespace

JsonMembers::JsonMembers(const JsonNode& object, std::string_view what) : object_(object) {
  if (object.kind != JsonKind::object) {
    refuse(what, "is not an object");
  }
}

const JsonNode* JsonMembers::find(std::string_view name) const {
  return object_.kind == JsonKind::object ? find_member(object_, name) : nullptr;
}

const JsonNode* JsonMembers::need(std::string_view name, JsonKind kind) {
  const JsonNode* const member = find(name);
  if (member == nullptr) {
    refuse(name, "is missing");
    return nullptr;
  }
  if (member->kind != kind) {
    refuse(name, what_it_is_not(kind));
    return nullptr;
  }
  return member;
}

std::string JsonMembers::text(std::string_view name) {
  const JsonNode* const member = need(name, JsonKind::string);
  return member != nullptr ? member->text : std::string();
}

bool JsonMembers::flag(std::string_view name) {
  const JsonNode* const member = need(name, JsonKind::boolean);
  return member != nullptr && member->boolean;
}

int JsonMembers::count(std::string_view name, int largest) {
  const JsonNode* const member = need(name, JsonKind::number);
  int number = 0;
  if (member != nullptr) {
    const char* const end = member->text.data() + member->text.size();
    const auto [stopped, error] = std::from_chars(member->text.data(), end, number);
    if (error == std::errc() && stopped == end && number >= 1 && number <= largest) {
      return number;
    }
    refuse(name, "is not a whole number from 1 to " + std::to_string(largest));
  }
  return 1;
}

Millis JsonMembers::duration(std::string_view name) {
  const JsonNode* const member = need(name, JsonKind::string);
  const auto duration = member != nullptr ? parse_duration(member->text) : std::nullopt;
  if (!duration) {
    refuse(name, "is not a duration");
  }
  return duration.value_or(kMinDuration);
}

std::vector<std::string> JsonMembers::texts(std::string_view name) {
  std::vector<std::string> texts;
  if (const JsonNode* const member = need(name, JsonKind::array)) {
    for (const JsonNode& item : member->items) {
      if (item.kind != JsonKind::string) {
        refuse(name, "holds something else than strings");
        break;
      }
      texts.push_back(item.text);
    }
  }
  return texts;
}

std::optional<std::string> JsonMembers::optional_text(std::string_view name) {
  return find(name) != nullptr ? std::optional(text(name)) : std::nullopt;
}

std::optional<std::string> JsonMembers::optional_json(std::string_view name) const {
  const JsonNode* const member = find(name);
  return member != nullptr ? std::optional(write_json(*member)) : std::nullopt;
}

std::vector<std::string> JsonMembers::optional_texts(std::string_view name) {
  return find(name) != nullptr ? texts(name) : std::vector<std::string>();
}

JsonMembers::Pairs JsonMembers::optional_pairs(std::string_view name) {
  Pairs pairs;
  if (find(name) == nullptr) {
    return pairs;
  }
  if (const JsonNode* const member = need(name, JsonKind::object)) {
    for (const JsonNode& item : member->items) {
      if (item.kind != JsonKind::string) {
        refuse(name, "holds something else than strings");
        break;
      }
      pairs.emplace_back(item.key, item.text);
    }
  }
  return pairs;
}

void JsonMembers::refuse(std::string_view name, std::string_view what) {
  if (problem_.empty()) {
    problem_.append(name).append(" ").append(what);
  }
}

}  // namespace postlude
