#include "runtime/shaped_result.h"

#include "runtime/json_walk.h"

#include <algorithm>
#include <array>
#include <optional>

namespace postlude::runtime {
namespace {

using Form = BodyDecoder::Form;

constexpr std::string_view kPreludeEnd("\0\0\0\0\0\0\0\0", 8);

std::string_view without_quotes(std::string_view string) {
  return string.substr(1, string.size() - 2);
}

/// A key may be written with escapes.
bool is_name(std::string_view key, std::string_view name) {
  constexpr std::size_t kLongestEscape = 6;
  const std::string_view inner = without_quotes(key);
  if (inner.find('\\') == std::string_view::npos) {
    return inner == name;
  }
  if (inner.size() > name.size() * kLongestEscape) {
    return false;
  }
  std::array<char, 256> decoded;
  BodyDecoder decoder(inner, Form::text);
  const std::size_t size = decoder.read(decoded);
  return decoder.ended() && !decoder.failed() && std::string_view(decoded.data(), size) == name;
}

/// The members that count, as they stand in the text.
struct Members {
  struct Entry {
    std::string_view name;
    std::optional<JsonPart> value = {};
  };
  std::array<Entry, 6> entries{{{"statusCode"},
                                {"headers"},
                                {"multiValueHeaders"},
                                {"cookies"},
                                {"body"},
                                {"isBase64Encoded"}}};

  void note(const JsonMember& member) {
    const auto found = std::find_if(entries.begin(), entries.end(), [&member](const Entry& entry) {
      return is_name(member.key, entry.name);
    });
    if (found != entries.end()) {
      found->value = member.value;
    }
  }
  [[nodiscard]] bool has(std::string_view name) const { return entry(name).value.has_value(); }
  /// Null is nothing here.
  [[nodiscard]] std::optional<JsonPart> find(std::string_view name) const {
    const auto& value = entry(name).value;
    return value && value->kind != JsonKind::null ? value : std::nullopt;
  }

 private:
  [[nodiscard]] const Entry& entry(std::string_view name) const {
    return *std::find_if(entries.begin(), entries.end(), [name](const Entry& candidate) {
      return candidate.name == name;
    });
  }
};

/// UTF-8 can say it.
bool sound(std::string_view string) {
  return string.find("\\u") == std::string_view::npos ||
         decodes(without_quotes(string), Form::text);
}

std::optional<std::string_view> status_digits(const std::optional<JsonPart>& status) {
  constexpr std::size_t kDigits = 3;
  if (!status || (status->kind != JsonKind::number && status->kind != JsonKind::string)) {
    return std::nullopt;
  }
  const std::string_view text =
      status->kind == JsonKind::string ? without_quotes(status->text) : status->text;
  const bool digits = text.size() == kDigits && std::all_of(text.begin(), text.end(), [](char c) {
                        return c >= '0' && c <= '9';
                      });
  return digits && text[0] >= '1' && text[0] <= '5' ? std::optional(text) : std::nullopt;
}

/// Writes the prelude member by member; strings go over as they are written in the result. Each
/// function is false where the platform could make nothing of the value.
class PreludeWriter {
 public:
  explicit PreludeWriter(std::string_view status_digits) {
    text_.append(R"({"statusCode":)").append(status_digits);
  }

  [[nodiscard]] bool add_headers(const std::optional<JsonPart>& headers) {
    return add_object("headers", headers, &PreludeWriter::scalar);
  }
  [[nodiscard]] bool add_multi_value_headers(const std::optional<JsonPart>& headers) {
    return add_object("multiValueHeaders", headers, &PreludeWriter::scalars);
  }
  [[nodiscard]] bool add_cookies(const std::optional<JsonPart>& cookies) {
    if (!cookies) {
      return true;
    }
    text_.append(R"(,"cookies":)");
    return cookies->kind == JsonKind::array && list(cookies->text, Items::strings);
  }

  [[nodiscard]] std::string take() { return std::move(text_.append("}").append(kPreludeEnd)); }

 private:
  enum class Items { strings, scalars };

  bool add_object(std::string_view name,
                  const std::optional<JsonPart>& object,
                  bool (PreludeWriter::*write)(const JsonPart&)) {
    if (!object) {
      return true;
    }
    if (object->kind != JsonKind::object) {
      return false;
    }
    text_.append(",\"").append(name).append("\":{");
    JsonWalk walk(object->text);
    bool first = true;
    while (const auto member = walk.next()) {
      if (member->value.kind == JsonKind::null) {
        continue;
      }
      text_.append(first ? "" : ",").append(member->key).append(":");
      first = false;
      if (!sound(member->key) || !(this->*write)(member->value)) {
        return false;
      }
    }
    text_.append("}");
    return true;
  }

  bool scalar(const JsonPart& value) {
    switch (value.kind) {
      case JsonKind::string:
        text_.append(value.text);
        return sound(value.text);
      case JsonKind::number:
      case JsonKind::boolean:
        text_.append("\"").append(value.text).append("\"");
        return true;
      case JsonKind::null:
      case JsonKind::array:
      case JsonKind::object:
        break;
    }
    return false;
  }

  bool scalars(const JsonPart& value) {
    return value.kind == JsonKind::array && list(value.text, Items::scalars);
  }

  bool list(std::string_view array, Items items) {
    text_.append("[");
    JsonWalk walk(array);
    bool first = true;
    while (const auto item = walk.next()) {
      if (items == Items::scalars && item->value.kind == JsonKind::null) {
        continue;
      }
      text_.append(first ? "" : ",");
      first = false;
      if ((items == Items::strings && item->value.kind != JsonKind::string) ||
          !scalar(item->value)) {
        return false;
      }
    }
    text_.append("]");
    return true;
  }

  std::string text_;
};

/// False: it is no body.
bool read_body(const Members& members, std::string_view text, ResultReading& reading) {
  const auto encoded = members.find("isBase64Encoded");
  if (encoded && encoded->kind != JsonKind::boolean) {
    return false;
  }
  reading.form = encoded && encoded->text == "true" ? Form::base64 : Form::text;
  const auto body = members.find("body");
  if (!body) {
    return true;
  }
  if (body->kind != JsonKind::string) {
    return false;
  }
  const std::string_view inner = without_quotes(body->text);
  reading.body_at = static_cast<std::size_t>(inner.data() - text.data());
  reading.body_size = inner.size();
  return reading.form == Form::text ? sound(body->text) : decodes(inner, Form::base64);
}

}  // namespace

ResultReading read_result(std::string_view text) {
  ResultReading reading;
  JsonWalk walk(text);
  if (!walk.over_object()) {
    return reading;
  }
  Members members;
  while (const auto member = walk.next()) {
    members.note(*member);
  }
  if (!walk.closed_at_end() || !members.has("statusCode")) {
    return reading;
  }
  reading.verdict = ResultReading::Verdict::malformed;
  const auto status = status_digits(members.find("statusCode"));
  if (!status) {
    return reading;
  }
  PreludeWriter prelude(*status);
  if (prelude.add_headers(members.find("headers")) &&
      prelude.add_multi_value_headers(members.find("multiValueHeaders")) &&
      prelude.add_cookies(members.find("cookies")) && read_body(members, text, reading)) {
    reading.prelude = prelude.take();
    reading.verdict = ResultReading::Verdict::shaped;
  }
  return reading;
}

bool claims_shape(std::string_view beginning) {
  JsonWalk walk(beginning);
  if (!walk.over_object()) {
    return false;
  }
  while (const auto member = walk.next()) {
    if (is_name(member->key, "statusCode")) {
      return true;
    }
  }
  return false;
}

}  // namespace postlude::runtime
