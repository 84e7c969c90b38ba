#include "tests/emulator/log_collector.h"

#include "tests/emulator/limits.h"
#include "tests/emulator/write_all.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>

#include <array>
#include <utility>

namespace postlude::emulator {
namespace {

/// More than the pipe holds, so that everything written by now is seen; bounded, so that a process
/// that writes without end holds nobody up.
constexpr int kMaxReads = 8;

/// Several environments share our standard output; a line is never mixed with another.
std::mutex& output_mutex() {
  static std::mutex mutex;
  return mutex;
}

}  // namespace

LogCollector::LogCollector() : wake_(::eventfd(0, EFD_CLOEXEC)) {
  std::array<int, 2> ends{-1, -1};
  if (::pipe2(ends.data(), O_CLOEXEC) == 0) {
    read_end_.reset(ends[0]);
    write_end_.reset(ends[1]);
    // Only our end: the writers' is another open file and stays blocking.
    ::fcntl(read_end_.get(), F_SETFL, O_NONBLOCK);
  }
  reader_ = std::jthread([this](const std::stop_token& stop) { read_all(stop); });
}

LogCollector::~LogCollector() {
  reader_.request_stop();
  ::eventfd_write(wake_.get(), 1);
  reader_.join();
  const std::lock_guard lock(mutex_);
  drain();
  if (!partial_.empty()) {
    put(std::exchange(partial_, {}));
  }
}

void LogCollector::read_all(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    std::array<pollfd, 2> watched{{{read_end_.get(), POLLIN, 0}, {wake_.get(), POLLIN, 0}}};
    if (::poll(watched.data(), watched.size(), -1) > 0 && watched[0].revents != 0) {
      const std::lock_guard lock(mutex_);
      drain();
    }
  }
}

void LogCollector::drain() {
  std::array<char, std::size_t{64} << 10> buffer{};
  for (int reads = 0; reads < kMaxReads; ++reads) {
    const ssize_t got = ::read(read_end_.get(), buffer.data(), buffer.size());
    if (got > 0) {
      split_lines({buffer.data(), static_cast<std::size_t>(got)});
    } else if (got == 0 || errno != EINTR) {
      return;
    }
  }
}

void LogCollector::split_lines(std::string_view bytes) {
  while (!bytes.empty()) {
    const std::size_t feed = bytes.find('\n');
    partial_.append(bytes.substr(0, feed));
    bytes.remove_prefix(feed == std::string_view::npos ? bytes.size() : feed + 1);
    if (feed != std::string_view::npos || partial_.size() >= kMaxLineBytes) {
      put(std::exchange(partial_, {}));
    }
  }
}

void LogCollector::put(std::string_view line) {
  std::string whole(line);
  whole.push_back('\n');
  {
    const std::lock_guard lock(output_mutex());
    write_all(STDOUT_FILENO, whole);
  }
  if (tail_) {
    tail_->append(whole);
    if (tail_->size() > 2 * kLogTailBytes) {
      tail_->erase(0, tail_->size() - kLogTailBytes);
    }
  }
}

void LogCollector::platform_line(std::string_view line) {
  const std::lock_guard lock(mutex_);
  drain();
  if (!partial_.empty()) {
    put(std::exchange(partial_, {}));
  }
  put(line);
}

void LogCollector::begin_tail() {
  const std::lock_guard lock(mutex_);
  tail_ = std::string();
}

std::string LogCollector::take_tail() {
  const std::lock_guard lock(mutex_);
  std::string tail = std::exchange(tail_, std::nullopt).value_or("");
  if (tail.size() > kLogTailBytes) {
    tail.erase(0, tail.size() - kLogTailBytes);
  }
  return tail;
}

}  // namespace postlude::emulator
