#pragma once

#include "common/error.h"
#include "common/unique_fd.h"

#include <nlohmann/json_fwd.hpp>

#include <mutex>
#include <string>
#include <string_view>

namespace postlude::emulator {

/// Writes one JSON object a line for everything the platform does, for tests to wait on:
/// {"event":NAME,"ms":EPOCH MILLISECONDS WITH FRACTION, ...}. README.md lists names and members.
/// Thread-safe; lines come in the order of their times.
class EventJournal {
 public:
  /// `target` is a path, "-" for standard output, or empty for none.
  [[nodiscard]] static Result<EventJournal> open(const std::string& target);

  EventJournal(EventJournal&& other) noexcept : file_(std::move(other.file_)) {}
  EventJournal& operator=(EventJournal&&) = delete;
  EventJournal(const EventJournal&) = delete;
  EventJournal& operator=(const EventJournal&) = delete;
  ~EventJournal() = default;

  /// `members` is a JSON object.
  void record(std::string_view event, const nlohmann::json& members);

 private:
  explicit EventJournal(UniqueFd file) : file_(std::move(file)) {}

  std::mutex mutex_;
  UniqueFd file_;
};

/// Milliseconds since 1970 with fraction.
[[nodiscard]] double precise_epoch_ms();

}  // namespace postlude::emulator
