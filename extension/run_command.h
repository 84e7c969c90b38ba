#pragma once

#include "common/child_process.h"
#include "common/event_loop.h"
#include "common/log.h"
#include "extension/descendants.h"
#include "extension/document_feed.h"
#include "extension/output_lines.h"
#include "extension/schedule_steps.h"

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace postlude::extension {

/// What commands share.
struct CommandPlace {
  EventLoop& loop;
  Descendants& descendants;
  const Log& log;
  int output = 1;  ///< gets the lines of both of a command's streams
};

/// One attempt of a command task, from its start to the end of everything it started. It ends with
/// its leader: what others still write is read for 100 ms at most, then the group and the
/// descendants that left it are killed. On the thread of the loop.
class RunCommand {
 public:
  using Done = std::function<void(const AttemptResult&)>;

  /// `subject` is the task's id.
  RunCommand(CommandPlace place, std::string task_id) : place_(place), id_(std::move(task_id)) {}
  RunCommand(const RunCommand&) = delete;
  RunCommand& operator=(const RunCommand&) = delete;
  ~RunCommand() { kill(); }

  /// The error is a result already: the program was not started, and `done` is not called.
  /// Otherwise it is called once, from the loop; this object may be destroyed after that round.
  [[nodiscard]] tl::expected<void, AttemptResult> start(ChildSpec spec,
                                                        TaskDocument document,
                                                        EventFile event,
                                                        Done done);

  /// SIGTERM to the group now, SIGKILL after `grace`. No effect once the leader has ended.
  void stop(Millis grace);
  /// Ends everything at once; `done` is not called any more.
  void kill();
  /// Call on SIGCHLD.
  void child_changed();

 private:
  struct Stream {
    UniqueFd fd;
    std::optional<EventLoop::Slot> slot;
    std::unique_ptr<OutputLines> lines;
  };

  void watch(Stream& stream, UniqueFd fd);
  void read(Stream& stream);
  void drain(Stream& stream);
  void close(Stream& stream);
  void finish_if_over();
  void finish();
  void release_process();
  [[nodiscard]] AttemptResult result() const;

  CommandPlace place_;
  std::string id_;
  Done done_;
  pid_t leader_ = 0;  ///< 0: not started, or ended with all that belonged to it
  std::optional<ExitStatus> status_;
  bool stopped_ = false;
  std::unique_ptr<DocumentFeed> feed_;
  OutputAllowance allowance_;
  std::array<Stream, 2> streams_;
  std::optional<EventLoop::TimerId> timer_;  ///< of SIGKILL, then of draining
};

}  // namespace postlude::extension
