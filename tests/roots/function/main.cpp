// All that is no Postlude in an empty root, in one static program; the name under which it was
// started says what it is:
//   wrapper COMMAND...   an exec wrapper as users write one: adds ADDED=by-wrapper and becomes the
//   command outer COMMAND...     another layer's wrapper: its proxy of the Runtime API stands
//   before Postlude narrow COMMAND...    as outer, and refuses what is no call of a runtime inner
//   COMMAND...     the same as outer, between Postlude and the runtime task WORD...         the
//   command of a task: below anything else        a runtime client and its function (serve.h); with
//   words behind its handler's name
//                        it prints its arguments and variables and ends, as a program that is no
//                        function
#include "tests/roots/function/chain.h"
#include "tests/roots/function/serve.h"

#include <unistd.h>

#include <array>
#include <string>
#include <vector>

namespace {

using namespace postlude;           // NOLINT(google-build-using-namespace) the program's own main
using namespace postlude::testing;  // NOLINT(google-build-using-namespace)

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) {
    text += (text.empty() ? "" : " ") + word;
  }
  return text;
}

std::size_t standard_input_bytes() {
  constexpr std::size_t kBytes = 65536;
  static std::array<char, kBytes> buffer;
  std::size_t all = 0;
  for (ssize_t count = 1; count > 0; all += static_cast<std::size_t>(count > 0 ? count : 0)) {
    count = ::read(STDIN_FILENO, buffer.data(), buffer.size());
  }
  return all;
}

/// Its document is read to the end. Words: "gate" waits for the test first, "fail" ends with
/// status 1.
int act_as_task(const std::vector<std::string>& words, const Environment& environment) {
  const std::size_t bytes = standard_input_bytes();
  if (!words.empty() && words.front() == "gate") {
    wait_at_gate(environment, "task");
  }
  say("task: " + std::string(environment.get_or("POSTLUDE_TASK", "")) + " " + joined(words) +
      (bytes > 2 ? " with its document" : " without a document") +
      ", ADDED=" + std::string(environment.get_or("ADDED", "")));
  return !words.empty() && words.front() == "fail" ? 1 : 0;
}

int act_as_wrapper(const std::string& name,
                   const std::vector<std::string>& command,
                   Environment environment) {
  say(name + ": " + joined(command));
  if (name == "wrapper") {
    environment.set("ADDED", "by-wrapper");
    return become(command, environment);
  }
  const std::string upstream(environment.get_or("AWS_LAMBDA_RUNTIME_API", ""));
  environment.set("AWS_LAMBDA_RUNTIME_API", start_proxy(name, upstream));
  std::vector<std::string> next = command;
  if (name == "outer" || name == "narrow") {
    next.insert(next.begin(), "/opt/postlude");
  }
  return become(next, environment);
}

int run(const std::vector<std::string>& argv) {
  const Environment environment = Environment::of_process();
  const std::string name = argv.front().substr(argv.front().rfind('/') + 1);
  const std::vector<std::string> words(argv.begin() + 1, argv.end());
  if (name == "task") {
    return act_as_task(words, environment);
  }
  if (name == "wrapper" || name == "outer" || name == "narrow" || name == "inner") {
    return act_as_wrapper(name, words, environment);
  }
  if (words.size() > 1) {
    say("function: " + joined(words) + ", ADDED=" + std::string(environment.get_or("ADDED", "")) +
        ", POSTLUDE_API=" + std::string(environment.get_or("POSTLUDE_API", "")));
    return 3;
  }
  say("function: serves as " + name + " " + joined(words) +
      ", ADDED=" + std::string(environment.get_or("ADDED", "")));
  return serve(environment);
}

}  // namespace

int main(int argc, char** argv) {
  return run({argv, argv + argc});
}
