#pragma once

#include "tests/emulator/bandwidth.h"
#include "tests/emulator/event_journal.h"
#include "tests/emulator/invocation.h"
#include "tests/emulator/options.h"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace postlude::emulator {

/// The answer to one InvokeWithResponseStream: the function's bytes as PayloadChunk messages as
/// they come, then InvokeComplete. One thread uses it.
class StreamAnswer {
 public:
  enum class Log { none, tail };
  /// Takes message bytes; false: the caller left.
  using Send = std::function<bool(std::string_view)>;

  StreamAnswer(std::shared_ptr<Invocation> invocation, Log log, Shaping shaping);

  /// Blocks until the answer is complete. "stream", "cut" or "callerLeft".
  [[nodiscard]] const char* run(const Send& send);
  [[nodiscard]] std::size_t bytes() const { return bytes_; }

 private:
  [[nodiscard]] bool send_payload(std::string_view bytes, const Send& send);
  [[nodiscard]] std::string end_message(const std::optional<FunctionFailure>& failure);

  const std::shared_ptr<Invocation> invocation_;
  const Log log_;
  std::optional<Bandwidth> meter_;
  std::size_t bytes_ = 0;
};

}  // namespace postlude::emulator
