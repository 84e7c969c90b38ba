#include "extension/document_feed.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace postlude::extension {
namespace {

/// What a pipe takes at once.
constexpr std::size_t kPieceBytes = std::size_t{64} << 10;

/// -1 where the pipe is full, -2 where nobody reads it any more.
ssize_t write_some(int fd, const char* bytes, std::size_t size) {
  while (true) {
    const ssize_t written = ::write(fd, bytes, size);
    if (written >= 0) {
      return written;
    }
    if (errno != EINTR) {
      return errno == EAGAIN ? -1 : -2;
    }
  }
}

}  // namespace

DocumentFeed::DocumentFeed(EventLoop& loop, UniqueFd pipe, TaskDocument document, EventFile event)
    : loop_(loop), pipe_(std::move(pipe)), document_(std::move(document)), event_(event) {
  if (event_.fd < 0 || event_.bytes == 0) {
    event_ = {};
    document_.before_event.append("null");
  }
  slot_ = loop_.add(pipe_.get(), POLLOUT, [this](short /*revents*/) { write_more(); });
  write_more();
}

void DocumentFeed::close() {
  if (slot_) {
    loop_.remove(*slot_);
    slot_.reset();
  }
  pipe_.reset();
}

void DocumentFeed::write_more() {
  Progress progress = write_text(document_.before_event);
  if (progress == Progress::whole) {
    progress = write_event();
  }
  if (progress == Progress::whole) {
    progress = write_text(document_.after_event);
  }
  if (progress != Progress::partly) {
    close();
  }
}

DocumentFeed::Progress DocumentFeed::write_text(std::string& text) {
  while (!text.empty()) {
    const ssize_t written = write_some(pipe_.get(), text.data(), text.size());
    if (written < 0) {
      return written == -1 ? Progress::partly : Progress::broken;
    }
    text.erase(0, static_cast<std::size_t>(written));
  }
  return Progress::whole;
}

DocumentFeed::Progress DocumentFeed::write_event() {
  std::array<char, kPieceBytes> piece;
  while (event_sent_ < event_.bytes) {
    const std::size_t wanted = std::min<std::uint64_t>(piece.size(), event_.bytes - event_sent_);
    const ssize_t size = ::pread(event_.fd, piece.data(), wanted, static_cast<off_t>(event_sent_));
    if (size < 0 && errno == EINTR) {
      continue;
    }
    if (size <= 0) {
      return Progress::broken;  // somebody cut our file: the document ends where it ends
    }
    const ssize_t written = write_some(pipe_.get(), piece.data(), static_cast<std::size_t>(size));
    if (written < 0) {
      return written == -1 ? Progress::partly : Progress::broken;
    }
    event_sent_ += static_cast<std::uint64_t>(written);
  }
  return Progress::whole;
}

}  // namespace postlude::extension
