#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace postlude {

/// A snapshot of environment variables. Nothing else in the project calls getenv, and nothing calls
/// setenv: a child gets its own copy with changes. A value type; order is kept.
class Environment {
 public:
  Environment() = default;
  explicit Environment(std::vector<std::pair<std::string, std::string>> variables)
      : variables_(std::move(variables)) {}

  /// Of this process. Call before any thread exists.
  [[nodiscard]] static Environment of_process();

  /// Nothing if unset; an empty value is a value.
  [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const;
  [[nodiscard]] std::string_view get_or(std::string_view name, std::string_view fallback) const {
    return find(name).value_or(fallback);
  }

  void set(std::string_view name, std::string_view value);
  void erase(std::string_view name);

  [[nodiscard]] const std::vector<std::pair<std::string, std::string>>& variables() const {
    return variables_;
  }

 private:
  std::vector<std::pair<std::string, std::string>> variables_;
};

}  // namespace postlude
