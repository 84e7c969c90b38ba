#include "tests/emulator/runtime_choice.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <regex>
#include <string_view>

namespace postlude::emulator {
namespace {

/// A language that the emulator can start.
struct Launcher {
  std::string_view language;
  std::string_view interpreter;  ///< with a slash: below the folder of launchers
  std::string_view script;
};

constexpr std::array<Launcher, 3> kLaunchers{{
    {"nodejs", "nodejs/node", "nodejs/bootstrap.mjs"},
    {"python", "python3", "python/bootstrap.py"},
    {"ruby", "ruby", "ruby/bootstrap.rb"},
}};

std::string language_of(const std::string& identifier) {
  const auto end =
      std::find_if(identifier.begin(), identifier.end(), [](char c) { return c < 'a' || c > 'z'; });
  return {identifier.begin(), end};
}

std::string below(const std::string& folder, std::string_view path) {
  return path.find('/') == std::string_view::npos ? std::string(path)
                                                  : folder + "/" + std::string(path);
}

}  // namespace

bool is_runtime_identifier(const std::string& text) {
  static const std::regex kForm(
      R"(nodejs\d+\.x|python\d+\.\d+|ruby\d+\.\d+|java\d+(\.al2)?|dotnet(core)?\d+(\.\d+)?|)"
      R"(go\d+\.x|provided(\.al\d+)?)");
  return std::regex_match(text, kForm);
}

Result<RuntimeChoice> runtime_of_identifier(const std::string& identifier,
                                            const std::string& launchers) {
  if (!is_runtime_identifier(identifier)) {
    return fail(fmt::format(
        "'{}' is no runtime identifier of Lambda like python3.13, nodejs22.x, provided.al2023",
        identifier));
  }
  const std::string language = language_of(identifier);
  if (language == "provided") {
    return RuntimeChoice{RuntimeKind::provided, {}, identifier};
  }
  const auto* found =
      std::find_if(kLaunchers.begin(), kLaunchers.end(), [&](const Launcher& launcher) {
        return launcher.language == language;
      });
  if (found == kLaunchers.end()) {
    return fail(fmt::format(
        "there is no launcher for {} here (there are nodejs, python, ruby and provided); "
        "give the command of its runtime client by --runtime 'CMD ...'",
        identifier));
  }
  return RuntimeChoice{RuntimeKind::managed,
                       {below(launchers, found->interpreter), below(launchers, found->script)},
                       identifier};
}

Result<RuntimeChoice> choose_runtime(const std::string& text, const std::string& launchers) {
  if (is_runtime_identifier(text)) {
    return runtime_of_identifier(text, launchers);
  }
  auto words = shell_words(text);
  if (!words || words->empty()) {
    return fail(words ? "empty command" : words.error().message);
  }
  return RuntimeChoice{RuntimeKind::managed, std::move(*words), {}};
}

}  // namespace postlude::emulator
