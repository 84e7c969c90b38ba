#pragma once

#include "common/error.h"

#include <string>
#include <vector>

namespace postlude::emulator {

enum class RuntimeKind {
  managed,   ///< a command line; AWS_LAMBDA_EXEC_WRAPPER is honoured
  provided,  ///< OS-only: `bootstrap` of the function, then of the layer
};

/// What runs a function's code.
struct RuntimeChoice {
  RuntimeKind kind = RuntimeKind::managed;
  std::vector<std::string> command;  ///< of a managed runtime; the first word is looked up in PATH
  std::string identifier;            ///< "python3.13"; empty for a command line
};

/// Whether Lambda would take the text for a runtime: "nodejs22.x", "provided.al2023". Versions are
/// matched by their form, since new ones appear every year.
[[nodiscard]] bool is_runtime_identifier(const std::string& text);

/// `launchers` is a folder as the build lays it out of tests/runtimes:
/// <language>/bootstrap.<ending>. As on Lambda, the command is an interpreter and that script,
/// which takes the handler from _HANDLER. The version is that of the machine's interpreter,
/// whatever the identifier says. Nothing is looked up here. The error names the way out for
/// languages without a launcher.
[[nodiscard]] Result<RuntimeChoice> runtime_of_identifier(const std::string& identifier,
                                                          const std::string& launchers);

/// `text` is an identifier, "provided", or a command line as shell_words() takes it.
[[nodiscard]] Result<RuntimeChoice> choose_runtime(const std::string& text,
                                                   const std::string& launchers);

/// Splits a command line as a shell splits words: white space, single and double quotes, backslash.
/// No expansion of any kind. An error names an open quote.
[[nodiscard]] Result<std::vector<std::string>> shell_words(const std::string& line);

}  // namespace postlude::emulator
