#include "common/json_text.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <utility>

namespace postlude {
namespace {

/// The library names tokens as its parser does, and only one of those that could follow a value.
constexpr std::array<std::pair<std::string_view, std::string_view>, 9> kPlainerWords{{
    {"; expected '[', '{', or a literal", "; expected a value"},
    {"; expected ']'", "; expected ',' or ']'"},
    {"; expected '}'", "; expected ',' or '}'"},
    {"; expected string literal", "; expected a key in double quotes"},
    {"string literal", "a string"},
    {"number literal", "a number"},
    {"true literal", "true"},
    {"false literal", "false"},
    {"null literal", "null"},
}};

/// Where nesting passes the limit, or npos. Of text that is not JSON it may say anything; the
/// parser refuses that anyway.
std::size_t find_too_deep(std::string_view text) {
  std::size_t depth = 0;
  bool in_string = false;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (in_string) {
      if (c == '\\') {
        ++at;
      } else if (c == '"') {
        in_string = false;
      }
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      if (++depth > kMaxJsonDepth) {
        return at;
      }
    } else if ((c == ']' || c == '}') && depth > 0) {
      --depth;
    }
  }
  return std::string_view::npos;
}

tl::unexpected<Error> fail_at(std::size_t offset, std::string_view reason) {
  return fail("offset " + std::to_string(offset) + ": " + std::string(reason));
}

tl::unexpected<Error> fail_of(const nlohmann::json::parse_error& error, std::string_view text) {
  const std::size_t offset = std::min(error.byte == 0 ? 0 : error.byte - 1, text.size());
  return fail_at(offset, json_error_reason(error.what()));
}

/// What the library would not notice, or would not survive.
Result<void> check_limits(std::string_view text) {
  // The library takes a NUL byte for the end of its input.
  if (const std::size_t nul = text.find('\0'); nul != std::string_view::npos) {
    return fail_at(nul, "NUL byte");
  }
  if (const std::size_t deep = find_too_deep(text); deep != std::string_view::npos) {
    return fail_at(deep, "nested deeper than " + std::to_string(kMaxJsonDepth) + " levels");
  }
  return {};
}

/// Keeps nothing but the first error.
class Checker : public nlohmann::json_sax<nlohmann::json> {
 public:
  explicit Checker(std::string_view text) : text_(text) {}

  bool null() override { return true; }
  bool boolean(bool /*value*/) override { return true; }
  bool number_integer(number_integer_t /*value*/) override { return true; }
  bool number_unsigned(number_unsigned_t /*value*/) override { return true; }
  bool number_float(number_float_t /*value*/, const string_t& /*text*/) override { return true; }
  bool string(string_t& /*value*/) override { return true; }
  bool binary(binary_t& /*value*/) override { return true; }
  bool start_object(std::size_t /*size*/) override { return true; }
  bool key(string_t& /*value*/) override { return true; }
  bool end_object() override { return true; }
  bool start_array(std::size_t /*size*/) override { return true; }
  bool end_array() override { return true; }
  bool parse_error(std::size_t position,
                   const std::string& /*token*/,
                   const nlohmann::json::exception& error) override {
    const std::size_t offset = std::min(position == 0 ? 0 : position - 1, text_.size());
    result_ = fail_at(offset, json_error_reason(error.what()));
    return false;
  }

  [[nodiscard]] const Result<void>& result() const { return result_; }

 private:
  std::string_view text_;
  Result<void> result_;
};

}  // namespace

std::string json_error_reason(std::string_view exception_text) {
  if (exception_text.find("number overflow") != std::string_view::npos) {
    return "a number is too large";
  }
  const std::size_t id_end = exception_text.find("] ");
  if (id_end != std::string_view::npos) {
    exception_text.remove_prefix(id_end + 2);
  }
  constexpr std::string_view kBeforeReason = " - ";
  const std::size_t dash = exception_text.find(kBeforeReason);
  if (dash != std::string_view::npos) {
    exception_text.remove_prefix(dash + kBeforeReason.size());
  }
  std::string reason(exception_text.substr(0, exception_text.find("; last read: ")));
  for (const auto& [theirs, ours] : kPlainerWords) {
    if (const std::size_t at = reason.find(theirs); at != std::string::npos) {
      reason.replace(at, theirs.size(), ours);
    }
  }
  return reason;
}

Result<nlohmann::json> parse_json(std::string_view text) {
  if (auto refused = check_limits(text); !refused) {
    return tl::unexpected(std::move(refused.error()));
  }
  try {
    return nlohmann::json::parse(text.begin(), text.end());
  } catch (const nlohmann::json::parse_error& error) {
    return fail_of(error, text);
  } catch (const nlohmann::json::exception& error) {
    return fail(json_error_reason(error.what()));
  }
}

Result<void> check_json(std::string_view text) {
  if (auto refused = check_limits(text); !refused) {
    return refused;
  }
  Checker checker(text);
  static_cast<void>(nlohmann::json::sax_parse(text.begin(), text.end(), &checker));
  return checker.result();
}

std::string dump_json(const nlohmann::json& value) {
  return value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

void append_json_string(std::string& out, std::string_view text) {
  // Nearly every string is of this kind, and needs no tree.
  const auto stands_for_itself = [](char c) {
    return c >= ' ' && c <= '~' && c != '"' && c != '\\';
  };
  if (std::all_of(text.begin(), text.end(), stands_for_itself)) {
    out.append("\"").append(text).append("\"");
  } else {
    out.append(dump_json(nlohmann::json(std::string(text))));
  }
}

}  // namespace postlude
