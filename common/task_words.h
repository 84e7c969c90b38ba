#pragma once

#include "common/task.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <string_view>

namespace postlude {

/// The words that tasks are written with (contract.md 4.1), for all who read or write them.
template <class Value>
struct TaskWord {
  Value value;
  std::string_view word;
};

inline constexpr std::array<TaskWord<Trigger>, 2> kTriggerWords{
    {{Trigger::invocation, "invocation"}, {Trigger::demand, "demand"}}};
inline constexpr std::array<TaskWord<When>, 4> kWhenWords{{{When::success, "success"},
                                                           {When::failure, "failure"},
                                                           {When::always, "always"},
                                                           {When::timeout, "timeout"}}};
/// Keys of the actions, in the order of the variant's alternatives.
inline constexpr std::array<std::string_view, std::variant_size_v<Action>> kActionKeys{
    "command", "http", "send", "aws", "handler"};

template <class Value, std::size_t kCount>
[[nodiscard]] std::string_view word_of(Value value,
                                       const std::array<TaskWord<Value>, kCount>& words) {
  const auto* const found = std::find_if(
      words.begin(), words.end(), [value](const auto& entry) { return entry.value == value; });
  return found != words.end() ? found->word : std::string_view();
}

template <class Value, std::size_t kCount>
[[nodiscard]] std::optional<Value> value_of(std::string_view word,
                                            const std::array<TaskWord<Value>, kCount>& words) {
  const auto* const found = std::find_if(
      words.begin(), words.end(), [word](const auto& entry) { return entry.word == word; });
  return found != words.end() ? std::optional(found->value) : std::nullopt;
}

}  // namespace postlude
