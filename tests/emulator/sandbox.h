#pragma once

#include "common/child_process.h"
#include "common/error.h"
#include "common/unique_fd.h"
#include "tests/emulator/outside_sockets.h"
#include "tests/emulator/process_tree.h"
#include "tests/emulator/sandbox_messages.h"

#include <nlohmann/json_fwd.hpp>

#include <sys/types.h>

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace postlude::emulator {

struct SandboxSetup {
  int function_log = -1;                   ///< standard output and error of the runtime
  int extension_log = -1;                  ///< and of the external extensions
  std::uint16_t api_port = 0;              ///< of the Runtime API, which is no place outside
  std::size_t memory_bytes = 0;            ///< that a process may have as its data; 0: any
  std::vector<std::string> private_tmp{};  ///< the later arguments of run_sandbox_process
  /// Called on thread "sandbox" when a process started by name has ended.
  std::function<void(const std::string& who, ExitStatus status)> on_exit{};
};

/// The emulator's end of one environment's sandbox process. Commands block for their answer, one at
/// a time. Thread-safe. Destruction kills every process of the environment.
class Sandbox {
 public:
  [[nodiscard]] static Result<std::unique_ptr<Sandbox>> start(SandboxSetup setup);
  ~Sandbox();
  Sandbox(const Sandbox&) = delete;
  Sandbox& operator=(const Sandbox&) = delete;

  /// As leader of a process group of its own. not_found: there is no such program.
  [[nodiscard]] Result<pid_t> start_process(const ProcessToStart& process);
  void signal_group(const std::string& who, int signal);
  void signal_process(const std::string& who, int signal);

  struct Frozen {
    std::vector<pid_t> pids;
    bool complete = false;
  };
  [[nodiscard]] Frozen freeze();
  std::size_t thaw();
  /// Its connections to the outside; frozen processes' too.
  [[nodiscard]] DroppedConnections drop_connections();
  /// What runs in the environment now; frozen processes too.
  [[nodiscard]] std::vector<ProcessInfo> processes() const { return descendants(pid_); }
  /// Everything that still runs; returns what that was. No exit is reported any more.
  std::vector<ProcessInfo> kill_all();

 private:
  Sandbox(UniqueFd control, pid_t pid, SandboxSetup setup);
  [[nodiscard]] nlohmann::json ask(const nlohmann::json& command);
  [[nodiscard]] nlohmann::json wait_report();
  void read_reports();

  UniqueFd control_;
  pid_t pid_;
  SandboxSetup setup_;
  std::mutex asking_;  ///< from a command to its answer
  std::mutex mutex_;
  std::condition_variable reported_;
  std::unique_ptr<nlohmann::json> report_;
  bool gone_ = false;
  std::jthread reader_;
};

}  // namespace postlude::emulator
