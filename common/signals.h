#pragma once

#include "common/error.h"
#include "common/unique_fd.h"

#include <initializer_list>
#include <optional>

namespace postlude {

/// Signals as events: blocked once, before any thread or child exists, and read from a descriptor.
/// SIGPIPE and SIGXFSZ are ignored as well: a dead peer and a full disk are errors of the write.
class Signals {
 public:
  [[nodiscard]] static Result<Signals> block(std::initializer_list<int> signals);

  /// Readable when one of the signals is pending.
  [[nodiscard]] int fd() const { return fd_.get(); }

  /// The next pending signal, nothing if there is none. Equal signals may have been merged, so
  /// SIGCHLD is only a hint to ask each known child.
  [[nodiscard]] std::optional<int> take();

 private:
  explicit Signals(UniqueFd fd) : fd_(std::move(fd)) {}

  UniqueFd fd_;
};

}  // namespace postlude
