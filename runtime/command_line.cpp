#include "runtime/command_line.h"

#include "runtime/settings.h"

#include <fmt/format.h>

namespace postlude::runtime {

Result<CommandLine> parse_command_line(const std::vector<std::string>& arguments,
                                       const Environment& environment) {
  if (arguments.empty()) {
    const std::string_view handler = environment.get_or("_HANDLER", "");
    if (handler.empty()) {
      return fail("no command to start, and _HANDLER is not set\n" + usage());
    }
    const std::string_view root = environment.get_or("LAMBDA_TASK_ROOT", ".");
    return CommandLine{CommandLine::Mode::run, {fmt::format("{}/{}", root, handler)}};
  }
  const std::string& first = arguments.front();
  if (!first.starts_with("--")) {
    return CommandLine{CommandLine::Mode::run, arguments};
  }
  if (first == "--version" && arguments.size() == 1) {
    return CommandLine{CommandLine::Mode::version, {}};
  }
  if (first == "--help" && arguments.size() == 1) {
    return CommandLine{CommandLine::Mode::help, {}};
  }
  if (first == "--check" && arguments.size() <= 2) {
    return CommandLine{
        CommandLine::Mode::check, {}, arguments.size() == 2 ? arguments[1] : std::string()};
  }
  return fail(fmt::format("unknown option {}\n{}", first, usage()));
}

std::string usage() {
  return "postlude " POSTLUDE_VERSION
         ": answers the caller of a Lambda function now and finishes its work afterwards\n"
         "\n"
         "  AWS_LAMBDA_EXEC_WRAPPER=/opt/postlude   attaches it to a managed runtime\n"
         "  postlude COMMAND [ARGUMENT...]          starts a runtime behind it\n"
         "  postlude --check [FILE|-]               validates tasks (default: as configured)\n"
         "  postlude --version | --help\n"
         "\n"
         "Settings are environment variables, all of them optional [default]:\n" +
         settings_help();
}

}  // namespace postlude::runtime
