#include "tests/emulator/sandbox_process.h"

#include "common/child_process.h"
#include "common/signals.h"
#include "common/unique_fd.h"
#include "tests/emulator/outside_sockets.h"
#include "tests/emulator/private_tmp.h"
#include "tests/emulator/process_tree.h"
#include "tests/emulator/sandbox_messages.h"

#include <nlohmann/json.hpp>

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <map>
#include <string>

namespace postlude::emulator {
namespace {

constexpr int kControl = 0;
/// lambda-protocol.md 1.10.
constexpr rlim_t kDescriptorLimit = 1024;
/// A process that is still not stopped or dead then sits in the kernel; the report says so.
constexpr std::chrono::milliseconds kFreezeLimit{3000};

class SandboxProcess {
 public:
  explicit SandboxProcess(UniqueFd null) : null_(std::move(null)) {}

  /// False when the emulator is gone.
  bool obey() {
    const auto command = receive_packet(kControl);
    return command && send_packet(kControl, run(*command));
  }

  void report_exits() {
    siginfo_t ended{};
    while (::waitid(P_ALL, 0, &ended, WEXITED | WNOHANG | WNOWAIT) == 0 && ended.si_pid != 0) {
      const pid_t pid = ended.si_pid;
      const auto status = reap(pid);
      const auto known = names_.find(pid);
      if (status && known != names_.end()) {
        static_cast<void>(send_packet(kControl, to_json(known->second, *status)));
        names_.erase(known);
      }
      ended = {};
    }
  }

 private:
  nlohmann::json run(const nlohmann::json& command) {
    const std::string what = command.value("do", "");
    if (what == "start") {
      return start(process_from_json(command));
    }
    if (what == "signal") {
      return signal(command);
    }
    if (what == "freeze") {
      return freeze();
    }
    if (what == "thaw") {
      return {{"did", "thaw"}, {"processes", thaw_descendants(::getpid())}};
    }
    if (what == "drop") {
      const auto dropped =
          drop_outside_connections(::getpid(), command.value<std::uint16_t>("api", 0));
      return {
          {"did", "drop"}, {"connections", dropped.connections}, {"complete", dropped.complete}};
    }
    return kill_all();
  }

  nlohmann::json start(const ProcessToStart& process) {
    ChildSpec spec;
    spec.program = process.argv.front();
    spec.argv = process.argv;
    spec.environment = Environment(process.environment);
    spec.working_directory = process.working_directory;
    spec.standard_input = null_.get();
    const int log = process.log == ProcessLog::function ? STDOUT_FILENO : STDERR_FILENO;
    spec.standard_output = log;
    spec.standard_error = log;
    spec.parent_death_signal = SIGKILL;
    const auto pid = start_child(spec);
    if (!pid) {
      return {{"did", "start"},
              {"error", pid.error().message},
              {"missing", pid.error().code == ErrorCode::not_found}};
    }
    names_[*pid] = process.who;
    pids_[process.who] = *pid;
    return {{"did", "start"}, {"pid", *pid}};
  }

  nlohmann::json signal(const nlohmann::json& command) {
    const auto found = pids_.find(command.value("who", ""));
    if (found != pids_.end()) {
      const pid_t target = command.value("group", true) ? -found->second : found->second;
      ::kill(target, command.value("signal", SIGKILL));
    }
    return {{"did", "signal"}, {"known", found != pids_.end()}};
  }

  static nlohmann::json freeze() {
    const FreezeResult result = freeze_descendants(::getpid(), kFreezeLimit);
    auto pids = nlohmann::json::array();
    for (const ProcessInfo& process : result.stopped) {
      pids.push_back(process.pid);
    }
    return {{"did", "freeze"}, {"pids", std::move(pids)}, {"complete", result.complete}};
  }

  nlohmann::json kill_all() {
    auto leftovers = nlohmann::json::array();
    for (const ProcessInfo& process : kill_descendants(::getpid(), kFreezeLimit)) {
      leftovers.push_back({{"pid", process.pid}, {"name", process.name}});
    }
    names_.clear();
    pids_.clear();
    return {{"did", "kill"}, {"leftovers", std::move(leftovers)}};
  }

  UniqueFd null_;
  std::map<pid_t, std::string> names_;
  std::map<std::string, pid_t> pids_;  ///< also of ended leaders: their groups may live on
};

/// Of each process alone, where the platform counts them together: a limit for all of them takes a
/// cgroup, which neither an ordinary user nor most containers may make.
void limit_memory(const std::string& bytes) {
  rlim_t most = 0;
  std::from_chars(bytes.data(), bytes.data() + bytes.size(), most);
  if (most > 0) {
    const rlimit limit{most, most};
    ::setrlimit(RLIMIT_DATA, &limit);
  }
}

void prepare_process() {
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  const rlimit limit{kDescriptorLimit, kDescriptorLimit};
  ::setrlimit(RLIMIT_NOFILE, &limit);
  struct sigaction children {};
  children.sa_handler = SIG_DFL;
  children.sa_flags = SA_NOCLDSTOP;  // a freeze is no end
  ::sigaction(SIGCHLD, &children, nullptr);
}

}  // namespace

int run_sandbox_process(const std::vector<std::string>& arguments) {
  prepare_process();
  if (arguments.empty()) {
    return 1;
  }
  limit_memory(arguments.front());
  auto signals = Signals::block({SIGCHLD, SIGTERM, SIGINT, SIGHUP});
  if (arguments.size() > 1) {
    const auto entered = enter_private_tmp({arguments.begin() + 1, arguments.end()});
    if (!entered) {
      static_cast<void>(send_packet(kControl, {{"failed", entered.error().message}}));
      return 1;
    }
  }
  if (!signals || !send_packet(kControl, {{"did", "begin"}})) {
    return 1;
  }
  SandboxProcess sandbox(UniqueFd(::open("/dev/null", O_RDONLY | O_CLOEXEC)));
  bool serving = true;
  while (serving) {
    std::array<pollfd, 2> watched{{{kControl, POLLIN, 0}, {signals->fd(), POLLIN, 0}}};
    if (::poll(watched.data(), watched.size(), -1) < 0) {
      continue;
    }
    while (signals->take()) {
      // A terminal sends its signals to everybody; the emulator decides what they mean.
    }
    sandbox.report_exits();
    serving = watched[0].revents == 0 || sandbox.obey();
  }
  kill_descendants(::getpid(), kFreezeLimit);
  return 0;
}

}  // namespace postlude::emulator
