// make-exit PID STATUS: makes a running process exit with that status, as if it had called
// exit_group() itself where it is. Stopped (frozen) processes exit as well. Prints nothing; ends
// with 0 when the process has gone on to its exit, else with 1 and a reason.
//
// The process is seized and led to the entry of its next system call, which is then another one. A
// call it waits in is interrupted for that and begins anew.
#include <linux/elf.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <string_view>

namespace {

constexpr int kFailed = 1;
constexpr int kWrongUse = 2;
/// Marks stops at system calls (PTRACE_O_TRACESYSGOOD).
constexpr int kCallStop = SIGTRAP | 0x80;
/// Stops on the way to a system call: signals, group stops. More mean that something is wrong.
constexpr int kStopLimit = 100;

int fail(const char* what) {
  std::perror(what);
  return kFailed;
}

#if defined(__x86_64__)

bool call_exit(pid_t pid, int status) {
  user_regs_struct registers{};
  if (::ptrace(PTRACE_GETREGS, pid, nullptr, &registers) != 0) {
    return false;
  }
  registers.orig_rax = SYS_exit_group;
  registers.rdi = static_cast<unsigned>(status);
  return ::ptrace(PTRACE_SETREGS, pid, nullptr, &registers) == 0;
}

#elif defined(__aarch64__)

bool call_exit(pid_t pid, int status) {
  user_regs_struct registers{};
  iovec general{&registers, sizeof registers};
  if (::ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, &general) != 0) {
    return false;
  }
  registers.regs[0] = static_cast<unsigned>(status);
  int number = SYS_exit_group;
  iovec call{&number, sizeof number};
  return ::ptrace(PTRACE_SETREGSET, pid, NT_PRSTATUS, &general) == 0 &&
         ::ptrace(PTRACE_SETREGSET, pid, NT_ARM_SYSTEM_CALL, &call) == 0;
}

#else
// cppcheck-suppress preprocessorErrorDirective
#error "make-exit knows the registers of x86_64 and aarch64"
#endif

/// The next stop of the process; -1 if it has ended or waiting failed.
int next_stop(pid_t pid) {
  int state = 0;
  pid_t waited = -1;
  do {
    waited = ::waitpid(pid, &state, __WALL);
  } while (waited < 0 && errno == EINTR);
  return waited == pid && WIFSTOPPED(state) ? state : -1;
}

/// A signal that came while it was on its way is delivered; stops are not.
int signal_to_deliver(int stop) {
  const int signal = WSTOPSIG(stop);
  const bool event = (static_cast<unsigned>(stop) >> 16U) != 0;
  return event || signal == SIGTRAP || signal == SIGSTOP ? 0 : signal;
}

bool lead_to_call(pid_t pid) {
  for (int stops = 0; stops < kStopLimit; ++stops) {
    const int stop = next_stop(pid);
    if (stop < 0) {
      return false;
    }
    if (WSTOPSIG(stop) == kCallStop) {
      return true;
    }
    if (::ptrace(PTRACE_SYSCALL, pid, nullptr, signal_to_deliver(stop)) != 0) {
      return false;
    }
  }
  errno = ELOOP;
  return false;
}

int make_exit(pid_t pid, int status) {
  if (::ptrace(PTRACE_SEIZE, pid, nullptr, PTRACE_O_TRACESYSGOOD) != 0) {
    return fail("PTRACE_SEIZE");
  }
  if (::ptrace(PTRACE_INTERRUPT, pid, nullptr, nullptr) != 0) {
    return fail("PTRACE_INTERRUPT");
  }
  if (!lead_to_call(pid)) {
    return fail("waiting for a system call");
  }
  if (!call_exit(pid, status)) {
    return fail("changing the call");
  }
  if (::ptrace(PTRACE_DETACH, pid, nullptr, nullptr) != 0) {
    return fail("PTRACE_DETACH");
  }
  return 0;
}

bool parse(std::string_view text, int& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

}  // namespace

int main(int argc, char** argv) {
  constexpr int kArguments = 3;
  int pid = 0;
  int status = 0;
  if (argc != kArguments || !parse(argv[1], pid) || !parse(argv[2], status)) {
    static_cast<void>(std::fputs("usage: make-exit PID STATUS\n", stderr));
    return kWrongUse;
  }
  return make_exit(pid, status);
}
