#include "common/log.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <unistd.h>

#include <array>
#include <cerrno>
#include <ctime>

namespace postlude {
namespace {

std::string line_text(LogLevel level, std::string_view message, LogSubject subject) {
  nlohmann::ordered_json object = {{"postlude", "log"},
                                   {"timestamp", iso_timestamp(now())},
                                   {"level", level_name(level)},
                                   {"message", message}};
  if (!subject.request_id.empty()) {
    object["requestId"] = subject.request_id;
  }
  if (!subject.task.empty()) {
    object["task"] = subject.task;
  }
  return object.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

void write_once(int fd, const std::string& text) {
  // Standard output may be non-blocking by somebody else's doing; a line is dropped then rather
  // than waited for.
  while (::write(fd, text.data(), text.size()) < 0 && errno == EINTR) {
  }
}

}  // namespace

std::string_view level_name(LogLevel level) {
  constexpr std::array<std::string_view, 4> kNames = {"DEBUG", "INFO", "WARN", "ERROR"};
  return kNames.at(static_cast<std::size_t>(level));
}

void Log::line(LogLevel level, std::string_view message, LogSubject subject) const {
  if (level < threshold_) {
    return;
  }
  std::string text = line_text(level, message, subject);
  // Escapes make a text longer, never shorter, so each round removes at least the excess.
  while (text.size() >= kMaxLogLineBytes && !message.empty()) {
    const std::size_t excess = text.size() - kMaxLogLineBytes + 1;
    message = message.substr(0, message.size() - std::min(message.size(), (excess + 5) / 6));
    text = line_text(level, message, subject);
  }
  raw(text);
}

void Log::raw(std::string_view line) const {
  write_once(fd_, fmt::format("{}\n", line));
}

std::string iso_timestamp(EpochTime time) {
  const auto ms = epoch_ms(time);
  const std::time_t seconds = ms / 1000;
  std::tm parts = {};
  gmtime_r(&seconds, &parts);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
                     parts.tm_year + 1900,
                     parts.tm_mon + 1,
                     parts.tm_mday,
                     parts.tm_hour,
                     parts.tm_min,
                     parts.tm_sec,
                     ms % 1000);
}

}  // namespace postlude
