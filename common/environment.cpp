#include "common/environment.h"

#include <unistd.h>

#include <algorithm>

namespace postlude {

Environment Environment::of_process() {
  Environment snapshot;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    const std::size_t equals = text.find('=');
    if (equals != std::string_view::npos) {
      snapshot.variables_.emplace_back(text.substr(0, equals), text.substr(equals + 1));
    }
  }
  return snapshot;
}

std::optional<std::string_view> Environment::find(std::string_view name) const {
  for (const auto& [key, value] : variables_) {
    if (key == name) {
      return value;
    }
  }
  return std::nullopt;
}

void Environment::set(std::string_view name, std::string_view value) {
  for (auto& [key, old] : variables_) {
    if (key == name) {
      old = value;
      return;
    }
  }
  variables_.emplace_back(name, value);
}

void Environment::erase(std::string_view name) {
  std::erase_if(variables_, [name](const auto& variable) { return variable.first == name; });
}

}  // namespace postlude
