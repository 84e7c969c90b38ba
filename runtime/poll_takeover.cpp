#include "runtime/poll_takeover.h"

#include "common/extensions_protocol.h"

#include <fmt/format.h>

#include <utility>

namespace postlude::runtime {

void PollTakeover::invocation_over() {
  if (ours_ && !parked_) {
    ask();
  }
}

void PollTakeover::ask() {
  parked_ = true;
  if (waiting_) {
    ask_again_ = true;  // the INVOKE of the last poll is still to be read
    return;
  }
  waiting_ = true;
  connection_.request(
      next_event_request(connection_.address(), identifier_),
      [this](const Result<PlatformAnswer>& answer) {
        constexpr int kOk = 200;
        waiting_ = false;
        if (!answer || answer->status != kOk) {
          log_.warn(fmt::format(
              "the poll taken over from the extension was refused: {}",
              answer ? describe_refusal(answer->status, answer->body) : answer.error().message));
          parked_ = false;
        }
        if (std::exchange(ask_again_, false)) {
          ask();
        }
      });
}

}  // namespace postlude::runtime
