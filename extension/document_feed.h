#pragma once

#include "common/event_loop.h"
#include "common/unique_fd.h"
#include "extension/task_document.h"

#include <cstdint>
#include <optional>

namespace postlude::extension {

/// The file whose bytes stand for `event`; fd -1: null. It is read by position, so that several
/// feeds can share it.
struct EventFile {
  int fd = -1;
  std::uint64_t bytes = 0;
};

/// Writes one task document to the standard input of a command as the command reads it, and closes
/// the pipe behind it. Memory use does not grow with the event. A reader that closes its end early,
/// or never reads, is fine; SIGPIPE must be ignored (Signals does). On the thread of the loop.
class DocumentFeed {
 public:
  DocumentFeed(EventLoop& loop, UniqueFd pipe, TaskDocument document, EventFile event);
  DocumentFeed(const DocumentFeed&) = delete;
  DocumentFeed& operator=(const DocumentFeed&) = delete;
  ~DocumentFeed() { close(); }

  void close();

 private:
  enum class Progress { whole, partly, broken };

  void write_more();
  [[nodiscard]] Progress write_text(std::string& text);
  [[nodiscard]] Progress write_event();

  EventLoop& loop_;
  UniqueFd pipe_;  ///< non-blocking
  TaskDocument document_;
  EventFile event_;
  std::uint64_t event_sent_ = 0;
  std::optional<EventLoop::Slot> slot_;
};

}  // namespace postlude::extension
