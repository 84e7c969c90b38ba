#include "runtime/pass_through.h"

#include "common/child_process.h"
#include "common/log.h"
#include "common/spool.h"
#include "runtime/init_error.h"
#include "runtime/task_config.h"
#include "runtime/task_source.h"

#include <fmt/format.h>

#include <unistd.h>

#include <csignal>
#include <cstdio>

namespace postlude::runtime {
namespace {

constexpr int kFailure = 1;
constexpr int kUsage = 2;
constexpr int kCannotExecute = 127;

void print(int fd, std::string_view text) {
  static_cast<void>(write_all(fd, text, "output"));
}

Log plain_log() {
  return {STDOUT_FILENO, LogLevel::info};
}

int execute(const std::vector<std::string>& command, const Environment& environment) {
  sigset_t none;
  sigemptyset(&none);
  static_cast<void>(::pthread_sigmask(SIG_SETMASK, &none, nullptr));
  for (const int ignored_by_us : {SIGPIPE, SIGXFSZ}) {
    static_cast<void>(std::signal(ignored_by_us, SIG_DFL));
  }
  const auto program =
      find_program(command.front(), environment.get_or("PATH", "/usr/local/bin:/usr/bin:/bin"), "");
  return cannot_start(program ? exec_program(*program, command, environment) : program.error());
}

int check(const CommandLine& line, const Environment& environment) {
  Problems problems;
  if (line.check_source.empty()) {
    const auto source = find_task_source(environment);
    if (!source) {
      problems = {source.error().message};
    } else if (!*source) {
      problems = {"no tasks: POSTLUDE_TASKS is not set and there is no postlude.json"};
    } else {
      problems = check_tasks((*source)->name, (*source)->text);
    }
  } else if (const auto source = read_task_source(line.check_source)) {
    problems = check_tasks(source->name, source->text);
  } else {
    problems = {source.error().message};
  }
  for (const std::string& problem : problems) {
    print(STDOUT_FILENO, problem + "\n");
  }
  return problems.empty() ? 0 : kFailure;
}

}  // namespace

int pass_through(StartMode mode,
                 const std::vector<std::string>& command,
                 const Environment& environment) {
  if (mode == StartMode::no_runtime_api) {
    plain_log().warn(
        "AWS_LAMBDA_RUNTIME_API is not set, so this is not Lambda: the command runs without "
        "Postlude");
  } else if (mode == StartMode::nested) {
    plain_log().warn("already under Postlude (POSTLUDE_API is set): the command runs as it is");
  }
  return execute(command, environment);
}

int run_without_us(const std::vector<std::string>& command,
                   const Environment& environment,
                   std::string_view reason) {
  plain_log().error(fmt::format("the function runs without Postlude: {}", reason));
  return execute(command, environment);
}

int refuse_to_serve(const Environment& environment, const Problems& problems) {
  for (const std::string& problem : problems) {
    plain_log().error(problem);
  }
  const auto posted = post_init_error(environment.get_or("AWS_LAMBDA_RUNTIME_API", ""),
                                      config_error_body(problems));
  if (!posted) {
    plain_log().error(posted.error().message);
  }
  return kFailure;
}

int answer(const CommandLine& line, const Environment& environment) {
  if (line.mode == CommandLine::Mode::check) {
    return check(line, environment);
  }
  print(STDOUT_FILENO,
        line.mode == CommandLine::Mode::version ? "postlude " POSTLUDE_VERSION "\n" : usage());
  return 0;
}

int usage_error(const Error& error) {
  print(STDERR_FILENO, fmt::format("postlude: {}", error.message));
  return kUsage;
}

int cannot_start(const Error& error) {
  plain_log().error(fmt::format("the runtime cannot be started: {}", error.message));
  return kCannotExecute;
}

std::vector<std::string> wrapped(std::vector<std::string> command, const Config& config) {
  if (config.exec_wrapper) {
    command.insert(command.begin(), *config.exec_wrapper);
  }
  return command;
}

}  // namespace postlude::runtime
