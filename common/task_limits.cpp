#include "common/task_limits.h"

#include <algorithm>

namespace postlude {

bool valid_task_name(std::string_view name) {
  const auto letter_or_digit = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
  };
  return !name.empty() && name.size() <= kMaxTaskNameBytes && letter_or_digit(name.front()) &&
         std::all_of(
             name.begin(), name.end(), [&](char c) { return c == '-' || letter_or_digit(c); });
}

}  // namespace postlude
