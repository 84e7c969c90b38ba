#pragma once

#include "common/clock.h"
#include "common/spool_files.h"

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>

namespace postlude {

/// How much the spool may still take: bytes of records and captured bodies against
/// POSTLUDE_SPOOL_LIMIT. What is written is added up; the extension removes files without telling,
/// so that the sum is only an upper bound. Where it would go over the limit, the folder is measured
/// anew. Pure.
class SpoolBudget {
 public:
  static constexpr std::uint64_t kUnlimited = std::numeric_limits<std::uint64_t>::max();
  /// Measuring this many files takes some 2 ms; less often from there on.
  static constexpr std::size_t kFewFiles = 2000;
  static constexpr Millis kMeasuringPause{1000};

  explicit SpoolBudget(std::uint64_t limit = kUnlimited) : limit_(limit) {}

  [[nodiscard]] bool fits(std::uint64_t bytes) const {
    return used_ <= limit_ && bytes <= limit_ - used_;
  }
  void add(std::uint64_t bytes) { used_ += bytes; }

  /// For bytes that do not fit: a new look at the folder may show room.
  [[nodiscard]] bool worth_measuring(std::uint64_t bytes, EpochTime now) const;
  void measured(const spool_files::Usage& usage, EpochTime now);

  /// Why these bytes are refused, and what to do about it.
  [[nodiscard]] std::string refusal(std::uint64_t bytes) const;

 private:
  std::uint64_t limit_;
  std::uint64_t used_ = 0;
  std::size_t files_ = 0;  ///< when it was measured
  EpochTime measured_at_ = {};
};

}  // namespace postlude
