#pragma once

#include "common/event_loop.h"
#include "common/log.h"
#include "common/signals.h"
#include "extension/command_spec.h"
#include "extension/descendants.h"
#include "extension/run_command.h"
#include "tests/fakes/process_watch.h"
#include "tests/fakes/temp_dir.h"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace postlude::testing {

struct CommandInput {
  extension::TaskDocument document = {"{\"event\":", "}\n"};
  extension::EventFile event = {};
};

/// Runs real commands through a real loop. Everything waits on events; a test that waits for what
/// does not come fails after half a minute.
class CommandBench {
 public:
  CommandBench();
  CommandBench(const CommandBench&) = delete;
  CommandBench& operator=(const CommandBench&) = delete;
  ~CommandBench();

  struct Run {
    std::unique_ptr<extension::RunCommand> command;
    std::optional<extension::AttemptResult> result;
    std::optional<EpochTime> ended;
  };

  /// A shell script, started. Its POSTLUDE_TASK_ID is `task_id`.
  std::unique_ptr<Run> start(const std::string& script,
                             const std::string& task_id = "r1/a/1",
                             CommandInput input = {});
  /// The same, to its end.
  extension::AttemptResult run(const std::string& script, CommandInput input = {});

  /// Runs the loop until it holds; it is asked after every round of events.
  void wait_until(const std::function<bool()>& holds);
  void wait_for_end(Run& run) {
    wait_until([&run] { return run.result.has_value(); });
  }
  /// Waits until the output has this line, and returns what stands before it.
  std::string wait_for_line(const std::string& line);
  /// Process ids are printed by scripts as "NAME PID"; waits for it.
  pid_t wait_for_pid(const std::string& name);
  void wait_until_gone(pid_t process);

  /// A spec for programs other than shell scripts.
  [[nodiscard]] Result<ChildSpec> spec(const CommandAction& action, const std::string& task_id);

  [[nodiscard]] const std::string& output() const { return output_; }
  [[nodiscard]] EventLoop& loop() { return loop_; }
  [[nodiscard]] const TempDir& folder() const { return folder_; }
  [[nodiscard]] extension::CommandPlace place();

  Environment environment{{{"PATH", "/usr/local/bin:/usr/bin:/bin"}}};

 private:
  void read_output();
  void on_child();

  TempDir folder_;
  EventLoop loop_;
  Signals signals_;
  extension::Descendants descendants_;
  UniqueFd output_read_;
  UniqueFd output_write_;
  std::optional<Log> log_;
  std::vector<Run*> runs_;
  std::string output_;
};

}  // namespace postlude::testing
