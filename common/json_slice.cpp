#include "common/json_slice.h"

#include "common/json_text.h"

#include <nlohmann/json.hpp>

namespace postlude {
namespace {

constexpr std::string_view kWhite = " \t\r\n";

/// Walks a text that is known to be JSON.
class Walker {
 public:
  explicit Walker(std::string_view text) : text_(text) { skip_white(); }

  [[nodiscard]] char here() const { return text_[at_]; }
  void step() {
    ++at_;
    skip_white();
  }

  /// The value that begins here; stands behind it, and behind the white space there.
  std::string_view take_value() {
    const std::size_t from = at_;
    if (here() == '"') {
      skip_string();
    } else if (here() == '{' || here() == '[') {
      skip_nested();
    } else {
      at_ = std::min(text_.find_first_of(",]} \t\r\n", at_), text_.size());
    }
    const std::string_view value = text_.substr(from, at_ - from);
    skip_white();
    return value;
  }

 private:
  void skip_white() { at_ = std::min(text_.find_first_not_of(kWhite, at_), text_.size()); }

  void skip_string() {
    for (++at_; here() != '"'; ++at_) {
      if (here() == '\\') {
        ++at_;
      }
    }
    ++at_;
  }

  void skip_nested() {
    std::size_t depth = 0;
    do {
      at_ = text_.find_first_of("\"{}[]", at_);
      if (here() == '"') {
        skip_string();
        continue;
      }
      if (here() == '{' || here() == '[') {
        ++depth;
      } else {
        --depth;
      }
      ++at_;
    } while (depth > 0);
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

/// Of a string that is known to be one.
std::string decoded(std::string_view text) {
  if (text.find('\\') == std::string_view::npos) {
    return std::string(text.substr(1, text.size() - 2));
  }
  return parse_json(text).value().get<std::string>();
}

}  // namespace

Result<std::vector<JsonSlice>> slice_object(std::string_view text) {
  if (auto refused = check_json(text); !refused) {
    return tl::unexpected(std::move(refused.error()));
  }
  Walker walker(text);
  if (walker.here() != '{') {
    return fail("expected an object");
  }
  std::vector<JsonSlice> members;
  walker.step();
  while (walker.here() != '}') {
    JsonSlice& member = members.emplace_back();
    member.key = decoded(walker.take_value());
    walker.step();  // the colon
    member.value = walker.take_value();
    if (walker.here() == ',') {
      walker.step();
    }
  }
  return members;
}

}  // namespace postlude
