// Runs a program in a root folder of its own, as somebody else: enter_root [--linux-4.14]
// [--interpreter PROGRAM RULE] ROOT PROGRAM ARGUMENT...
//   everything below ROOT is read-only but ROOT/tmp; ROOT/dev/* and ROOT/proc are the machine's
//   user 993 without any right (an ordinary user stays who he is, under that number)
//   --linux-4.14: newer system calls do not exist
//   --interpreter: binfmt_misc's RULE, up to the interpreter, and PROGRAM, which need not be in the
//   root
// Needs user namespaces; no root.
#include "common/error.h"
#include "tests/fakes/old_kernel.h"
#include "tests/roots/root_mounts.h"

#include <fmt/format.h>

#include <grp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <span>
#include <string>
#include <vector>

namespace {

using namespace postlude;           // NOLINT(google-build-using-namespace) one program
using namespace postlude::testing;  // NOLINT(google-build-using-namespace)

/// Lambda's own number of the function's user.
constexpr uid_t kFunctionUser = 993;
/// lambda-protocol.md 1.10.
constexpr rlim_t kDescriptors = 1024;

struct CommandLine {
  bool old_kernel = false;
  std::string interpreter;
  std::string rule;
  std::string root;
  std::vector<char*> program;  ///< ends with a null pointer
};

Result<CommandLine> parse(std::span<char*> arguments) {
  CommandLine line;
  while (!arguments.empty() && std::string(arguments[0]).starts_with("--")) {
    const std::string option = arguments[0];
    if (option == "--linux-4.14") {
      line.old_kernel = true;
      arguments = arguments.subspan(1);
    } else if (option == "--interpreter" && arguments.size() > 2) {
      line.interpreter = arguments[1];
      line.rule = arguments[2];
      arguments = arguments.subspan(3);
    } else {
      return fail(option + " is no option, or misses its values");
    }
  }
  if (arguments.size() < 2) {
    return fail("expected [OPTIONS] ROOT PROGRAM ARGUMENT...");
  }
  line.root = arguments[0];
  line.program.assign(arguments.begin() + 1, arguments.end());
  line.program.push_back(nullptr);
  return line;
}

/// Who is root gives that up first, so that the files of the root belong to somebody else.
Result<void> become_ordinary() {
  if (::geteuid() != 0) {
    return {};
  }
  if (::setgroups(0, nullptr) != 0 ||
      ::setresgid(kFunctionUser, kFunctionUser, kFunctionUser) != 0 ||
      ::setresuid(kFunctionUser, kFunctionUser, kFunctionUser) != 0 ||
      ::prctl(PR_SET_DUMPABLE, 1) != 0) {  // else /proc/self would still be root's
    return errno_failure("become", "an ordinary user");
  }
  return {};
}

Result<void> enter(const CommandLine& line) {
  if (auto done = become_ordinary(); !done) {
    return done;
  }
  if (!line.interpreter.empty()) {
    if (auto done = register_interpreter(line.interpreter, line.rule); !done) {
      return done;
    }
  }
  if (auto done = new_namespaces(kFunctionUser); !done) {
    return done;
  }
  if (auto done = mount_root(line.root); !done) {
    return done;
  }
  const rlimit descriptors{kDescriptors, kDescriptors};
  if (::setrlimit(RLIMIT_NOFILE, &descriptors) != 0) {
    return errno_failure("limit", "descriptors");
  }
  return line.old_kernel ? forbid_calls_after_4_14() : Result<void>{};
}

int complain(const std::string& message) {
  static_cast<void>(std::fprintf(stderr, "enter_root: %s\n", message.c_str()));
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  auto line = parse(std::span(argv + 1, argv + argc));
  if (!line) {
    return complain(line.error().message);
  }
  if (const auto entered = enter(*line); !entered) {
    return complain(entered.error().message);
  }
  // The rights over the namespaces end here: the program's user is not their root.
  std::string path = "PATH=/usr/local/bin:/usr/bin/:/bin:/opt/bin";
  const std::array<char*, 2> environment{path.data(), nullptr};
  ::execve(line->program.front(), line->program.data(), environment.data());
  return complain(errno_error("execute", line->program.front()).message);
}
