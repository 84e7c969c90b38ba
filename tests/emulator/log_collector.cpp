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

LogCollector::Input::Input(TelemetrySource writes) : source(writes) {
  std::array<int, 2> ends{-1, -1};
  if (::pipe2(ends.data(), O_CLOEXEC) == 0) {
    read_end.reset(ends[0]);
    write_end.reset(ends[1]);
    // Only our end: the writers' is another open file and stays blocking.
    ::fcntl(read_end.get(), F_SETFL, O_NONBLOCK);
  }
}

LogCollector::LogCollector(Listener listener)
    : listener_(std::move(listener)),
      wake_(::eventfd(0, EFD_CLOEXEC)),
      function_(TelemetrySource::function),
      extensions_(TelemetrySource::extension) {
  reader_ = std::jthread([this](const std::stop_token& stop) { read_all(stop); });
}

LogCollector::~LogCollector() {
  reader_.request_stop();
  ::eventfd_write(wake_.get(), 1);
  reader_.join();
  const std::lock_guard lock(mutex_);
  drain();
  put_partial(function_);
  put_partial(extensions_);
}

void LogCollector::read_all(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    std::array<pollfd, 3> watched{{{function_.read_end.get(), POLLIN, 0},
                                   {extensions_.read_end.get(), POLLIN, 0},
                                   {wake_.get(), POLLIN, 0}}};
    if (::poll(watched.data(), watched.size(), -1) > 0) {
      const std::lock_guard lock(mutex_);
      drain();
    }
  }
}

void LogCollector::drain() {
  drain(function_);
  drain(extensions_);
}

void LogCollector::drain(Input& input) {
  std::array<char, std::size_t{64} << 10> buffer{};
  for (int reads = 0; reads < kMaxReads; ++reads) {
    const ssize_t got = ::read(input.read_end.get(), buffer.data(), buffer.size());
    if (got > 0) {
      split_lines(input, {buffer.data(), static_cast<std::size_t>(got)});
    } else if (got == 0 || errno != EINTR) {
      return;
    }
  }
}

void LogCollector::split_lines(Input& input, std::string_view bytes) {
  while (!bytes.empty()) {
    const std::size_t feed = bytes.find('\n');
    const std::size_t size = feed == std::string_view::npos ? bytes.size() : feed + 1;
    input.partial.append(bytes.substr(0, size));
    bytes.remove_prefix(size);
    if (feed != std::string_view::npos || input.partial.size() >= kMaxLineBytes) {
      put_partial(input);
    }
  }
}

void LogCollector::put_partial(Input& input) {
  if (input.partial.empty()) {
    return;
  }
  std::string line = std::exchange(input.partial, {});
  if (line.back() == '\n') {
    line.pop_back();
  }
  listener_(input.source, line);
  put(line);
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
  put_partial(function_);
  put_partial(extensions_);
  put(line);
}

void LogCollector::catch_up() {
  const std::lock_guard lock(mutex_);
  drain();
}

void LogCollector::aside(std::string_view lines) {
  const std::lock_guard lock(output_mutex());
  write_all(STDOUT_FILENO, lines);
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
