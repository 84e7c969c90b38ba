#pragma once

#include "common/clock.h"
#include "common/json_positions.h"
#include "common/task_words.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace postlude {

/// Reads members of one object that a program wrote, and keeps the first error; a failed read
/// yields an empty value. Members that nobody asks for are ignored. The object must outlive it.
class JsonMembers {
 public:
  using Pairs = std::vector<std::pair<std::string, std::string>>;

  /// `what` names the object in the error if it is none.
  JsonMembers(const JsonNode& object, std::string_view what);

  /// Null where it is missing, which is fine.
  [[nodiscard]] const JsonNode* find(std::string_view name) const;
  /// Null, and an error, where it is missing or of another kind.
  const JsonNode* need(std::string_view name, JsonKind kind);

  std::string text(std::string_view name);
  bool flag(std::string_view name);
  /// From 1 to `largest`.
  int count(std::string_view name, int largest);
  /// "30s"
  Millis duration(std::string_view name);
  template <class Value, std::size_t kCount>
  Value word(std::string_view name, const std::array<TaskWord<Value>, kCount>& words) {
    const auto value = value_of(text(name), words);
    if (!value) {
      refuse(name, "has an unknown value");
    }
    return value.value_or(words.front().value);
  }
  std::vector<std::string> texts(std::string_view name);

  // Nothing where they are missing.
  std::optional<std::string> optional_text(std::string_view name);
  /// Of any value: its JSON text.
  [[nodiscard]] std::optional<std::string> optional_json(std::string_view name) const;
  std::vector<std::string> optional_texts(std::string_view name);
  /// Of an object of strings.
  Pairs optional_pairs(std::string_view name);

  void refuse(std::string_view name, std::string_view what);
  /// Empty if all was well.
  [[nodiscard]] const std::string& problem() const { return problem_; }

 private:
  const JsonNode& object_;
  std::string problem_;
};

}  // namespace postlude
