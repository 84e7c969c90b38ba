#pragma once

#include "common/messages.h"
#include "common/packet_socket.h"
#include "common/spool.h"
#include "tests/fakes/scripted_platform.h"
#include "tests/fakes/temp_dir.h"

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace postlude::testing {

/// The real postlude-extension; the test plays shim and platform.
class ExtensionProcess {
 public:
  ExtensionProcess();
  ExtensionProcess(const ExtensionProcess&) = delete;
  ExtensionProcess& operator=(const ExtensionProcess&) = delete;
  ~ExtensionProcess();

  ScriptedPlatform& platform() { return platform_; }
  [[nodiscard]] pid_t pid() const { return pid_; }
  [[nodiscard]] const TempDir& folder() const { return folder_; }
  [[nodiscard]] Spool& spool() { return *spool_; }

  /// Hello, the registration that is accepted, and the first poll.
  void start_registered();
  void start_driven();
  void send_hello(int concurrency = 4);

  /// As the kernel's killer would end it, or a crash.
  void kill();
  /// A new process in the place of one that is gone, told to replay all records so far; driven. Its
  /// first word.
  Replayed replace();

  void send(const Message& message);
  void send_bytes(std::string_view packet);
  Message receive();
  template <class Kind>
  Kind expect() {
    return std::get<Kind>(receive());
  }
  [[nodiscard]] bool has_message() const;
  void hang_up() { link_.reset(); }

  struct TaskPlan {
    std::string script;
    std::uint64_t invocation = 1;
    Millis timeout = std::chrono::seconds(30);
    int attempts = 1;
    Millis time_left = std::chrono::seconds(20);
    bool replay = true;
    std::vector<Condition> match = {};
  };
  /// Writes captures and record, sends `answered` with the first task of an invocation, and
  /// `accepted`.
  void accept(const TaskPlan& plan);
  /// Only the record and the captures, as where the extension was not there.
  RecordName write(const TaskPlan& plan);
  void answer(std::uint64_t invocation, Millis time_left);
  void close(std::uint64_t invocation, Millis time_left = std::chrono::seconds(20));

  /// Reads standard output until it holds `text`; everything that came so far.
  const std::string& wait_for_output(std::string_view text);
  void wait_for_more_output();
  [[nodiscard]] const std::string& output() const { return output_; }
  pid_t wait_for_pid(const std::string& name);
  /// Waits for the end of the process.
  int wait_for_exit();

  static InvocationKey key(std::uint64_t invocation);
  [[nodiscard]] std::string spool_file(std::string_view name) const;
  /// The names of what is in the spool, sorted.
  [[nodiscard]] std::vector<std::string> spool_files() const;

 private:
  void launch();
  [[nodiscard]] Hello first_message() const;

  ScriptedPlatform platform_;
  TempDir folder_;
  std::optional<Spool> spool_;
  UniqueFd output_fd_;
  std::string output_;
  std::optional<PacketSocket> link_;
  pid_t pid_ = 0;
  std::uint64_t tasks_ = 0;
  std::uint64_t answered_ = 0;
};

}  // namespace postlude::testing
