#include "common/spool_budget.h"

#include <fmt/format.h>

namespace postlude {

bool SpoolBudget::worth_measuring(std::uint64_t bytes, EpochTime now) const {
  if (bytes > limit_) {
    return false;
  }
  const bool fresh = now >= measured_at_ && now < measured_at_ + kMeasuringPause;
  return files_ <= kFewFiles || !fresh;
}

void SpoolBudget::measured(const spool_files::Usage& usage, EpochTime now) {
  used_ = usage.bytes;
  files_ = usage.files;
  measured_at_ = now;
}

std::string SpoolBudget::refusal(std::uint64_t bytes) const {
  return fmt::format(
      "the spool is full: tasks that have not ended take {} bytes, {} more would exceed the {} of "
      "POSTLUDE_SPOOL_LIMIT; raise it, or give tasks that do not fit into an invocation a "
      "deadLetter",
      used_,
      bytes,
      limit_);
}

}  // namespace postlude
