#include "common/child_process.h"

#include "common/unique_fd.h"

#include <fmt/format.h>

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstring>

namespace postlude {
namespace {

/// argv and envp as exec wants them; built before forking, because only async-signal-safe calls
/// are allowed between fork and exec.
class ExecArguments {
 public:
  ExecArguments(const std::vector<std::string>& argv, const Environment& environment) {
    for (const auto& [name, value] : environment.variables()) {
      environment_.push_back(fmt::format("{}={}", name, value));
    }
    argv_ = pointers(argv);
    envp_ = pointers(environment_);
  }
  ExecArguments(const ExecArguments&) = delete;
  ExecArguments& operator=(const ExecArguments&) = delete;
  ~ExecArguments() = default;

  [[nodiscard]] char* const* argv() const { return argv_.data(); }
  [[nodiscard]] char* const* envp() const { return envp_.data(); }

 private:
  static std::vector<char*> pointers(const std::vector<std::string>& strings) {
    std::vector<char*> result;
    result.reserve(strings.size() + 1);
    for (const std::string& text : strings) {
      result.push_back(const_cast<char*>(
          text.c_str()));  // NOLINT(cppcoreguidelines-pro-type-const-cast) exec's signature
    }
    result.push_back(nullptr);
    return result;
  }

  std::vector<std::string> environment_;
  std::vector<char*> argv_;
  std::vector<char*> envp_;
};

void close_from(int first) {
#ifdef SYS_close_range
  if (::syscall(SYS_close_range, static_cast<unsigned>(first), ~0U, 0U) == 0) {
    return;
  }
#endif
  // Kernels before 5.9. Lambda allows 1,024 descriptors; elsewhere the limit can be huge.
  constexpr rlim_t kMostTried = 65536;
  rlimit limit = {};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  const int end = static_cast<int>(limit.rlim_cur < kMostTried ? limit.rlim_cur : kMostTried);
  for (int fd = first; fd < end; ++fd) {
    ::close(fd);
  }
}

/// By the raw call, because sigaction() refuses the two signals the C library keeps for itself
/// (32 and 33), and whoever started us may have left them ignored.
void default_signals() {
  constexpr std::size_t kKernelSetSize = 8;
  constexpr std::array<unsigned long, 4> kStandard = {};  // handler SIG_DFL, no flags, no mask
  for (int signal = 1; signal < NSIG; ++signal) {
    ::syscall(SYS_rt_sigaction, signal, kStandard.data(), nullptr, kKernelSetSize);
  }
  sigset_t none;
  sigemptyset(&none);
  ::pthread_sigmask(SIG_SETMASK, &none, nullptr);
}

bool place(int source, int target) {
  if (source < 0) {
    return true;
  }
  if (source == target) {
    return ::fcntl(target, F_SETFD, 0) == 0;
  }
  return ::dup2(source, target) == target;
}

/// Between fork and exec. Returns the errno of what failed; `report` follows its descriptor.
int become(const ChildSpec& spec, const ExecArguments& arguments, pid_t parent, int& report) {
  ::setpgid(0, 0);
  if (spec.parent_death_signal != 0) {
    ::prctl(PR_SET_PDEATHSIG, spec.parent_death_signal);
    if (::getppid() != parent) {
      ::_exit(1);  // it died before we asked to be told
    }
  }
  if (!place(spec.standard_input, 0) || !place(spec.standard_output, 1) ||
      !place(spec.standard_error, 2)) {
    return errno;
  }
  if (spec.descriptors == InheritedDescriptors::standard) {
    constexpr int kReport = 3;
    if (report != kReport && (::dup2(report, kReport) != kReport)) {
      return errno;
    }
    ::fcntl(kReport, F_SETFD, FD_CLOEXEC);
    close_from(kReport + 1);
    report = kReport;
  }
  if (!spec.working_directory.empty() && ::chdir(spec.working_directory.c_str()) != 0) {
    return errno;
  }
  default_signals();
  ::execve(spec.program.c_str(), arguments.argv(), arguments.envp());
  return errno;
}

[[noreturn]] void run_child(const ChildSpec& spec,
                            const ExecArguments& arguments,
                            pid_t parent,
                            int report) {
  const int failed = become(spec, arguments, parent, report);
  // Without the report the parent believes in a start; the status below is then all it learns.
  constexpr int kCannotExecute = 127;
  static_cast<void>(!::write(report, &failed, sizeof failed));
  ::_exit(kCannotExecute);
}

ExitStatus status_of(int wait_status) {
  if (WIFSIGNALED(wait_status)) {
    return {ExitStatus::Kind::signalled, WTERMSIG(wait_status)};
  }
  return {ExitStatus::Kind::exited, WEXITSTATUS(wait_status)};
}

bool executable_file(const std::string& path) {
  struct stat info = {};
  return ::stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode) &&
         ::access(path.c_str(), X_OK) == 0;
}

}  // namespace

std::string describe(ExitStatus status) {
  if (status.kind == ExitStatus::Kind::exited) {
    return fmt::format("exit status {}", status.number);
  }
  const char* name = ::sigdescr_np(status.number);
  std::string text = name == nullptr ? fmt::format("{}", status.number) : std::string(name);
  for (char& c : text) {
    c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return "signal: " + text;
}

Result<pid_t> start_child(const ChildSpec& spec) {
  const ExecArguments arguments(spec.argv, spec.environment);
  std::array<int, 2> ends = {-1, -1};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
    return errno_failure("pipe for starting", spec.program);
  }
  UniqueFd read_end(ends[0]);
  UniqueFd write_end(ends[1]);
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0) {
    return errno_failure("fork for", spec.program);
  }
  if (pid == 0) {
    run_child(spec, arguments, parent, write_end.get());
  }
  ::setpgid(pid, pid);  // the child does it too: whoever comes first
  write_end.reset();
  int failed = 0;
  ssize_t size = 0;
  do {
    size = ::read(read_end.get(), &failed, sizeof failed);
  } while (size < 0 && errno == EINTR);
  if (size == static_cast<ssize_t>(sizeof failed)) {
    static_cast<void>(wait_for(pid));
    return errno_failure("start", spec.program, failed);
  }
  return pid;
}

std::optional<ExitStatus> reap(pid_t pid) {
  int status = 0;
  pid_t ended = 0;
  do {
    ended = ::waitpid(pid, &status, WNOHANG);
  } while (ended < 0 && errno == EINTR);
  return ended == pid ? std::optional(status_of(status)) : std::nullopt;
}

std::optional<ExitStatus> peek(pid_t pid) {
  siginfo_t info = {};
  int failed = 0;
  do {
    failed = ::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG | WNOWAIT);
  } while (failed != 0 && errno == EINTR);
  if (failed != 0 || info.si_pid != pid) {
    return std::nullopt;
  }
  const auto kind =
      info.si_code == CLD_EXITED ? ExitStatus::Kind::exited : ExitStatus::Kind::signalled;
  return ExitStatus{kind, info.si_status};
}

ExitStatus wait_for(pid_t pid) {
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return status_of(status);
}

void signal_group(pid_t leader, int signal) {
  ::kill(-leader, signal);
}

Result<std::string> find_program(const std::string& name,
                                 std::string_view path,
                                 std::string_view base) {
  if (name.find('/') != std::string::npos) {
    std::string candidate =
        name.starts_with('/') || base.empty() ? name : fmt::format("{}/{}", base, name);
    if (::access(candidate.c_str(), F_OK) != 0) {
      return fail(ErrorCode::not_found, fmt::format("{} does not exist", candidate));
    }
    if (!executable_file(candidate)) {
      return fail(fmt::format("{} is not an executable file (chmod +x?)", candidate));
    }
    return candidate;
  }
  for (std::string_view rest = path; !name.empty() && !rest.empty();) {
    const std::string_view folder = rest.substr(0, rest.find(':'));
    rest.remove_prefix(std::min(folder.size() + 1, rest.size()));
    std::string candidate = fmt::format("{}/{}", folder.empty() ? "." : folder, name);
    if (executable_file(candidate)) {
      return candidate;
    }
  }
  return fail(ErrorCode::not_found, fmt::format("\"{}\" was not found in PATH ({})", name, path));
}

void end_like(ExitStatus status) {
  if (status.kind == ExitStatus::Kind::signalled) {
    const rlimit no_core = {0, 0};
    ::setrlimit(RLIMIT_CORE, &no_core);
    default_signals();
    ::kill(::getpid(), status.number);
    // Not deadly for us (a stop signal, or pid 1 of a container): the shell's convention.
    constexpr int kSignalBase = 128;
    ::_exit(kSignalBase + status.number);
  }
  ::_exit(status.number);
}

Error exec_program(const std::string& program,
                   const std::vector<std::string>& argv,
                   const Environment& environment) {
  const ExecArguments arguments(argv, environment);
  ::execve(program.c_str(), arguments.argv(), arguments.envp());
  return errno_error("start", program);
}

}  // namespace postlude
