#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace postlude {

/// Writes one JSON object as text, member by member. It never looks into JSON that it is given:
/// that stays as it is, digit for digit.
class ObjectText {
 public:
  ObjectText& json(std::string_view key, std::string_view json);
  ObjectText& text(std::string_view key, std::string_view value);
  ObjectText& number(std::string_view key, long long value);
  ObjectText& flag(std::string_view key, bool value);
  ObjectText& texts(std::string_view key, const std::vector<std::string>& values);
  /// As an object of strings.
  ObjectText& pairs(std::string_view key,
                    const std::vector<std::pair<std::string, std::string>>& values);

  [[nodiscard]] std::string take() { return std::move(out_.append(empty_ ? "{}" : "}")); }

 private:
  std::string& open(std::string_view key);

  std::string out_;
  bool empty_ = true;
};

}  // namespace postlude
