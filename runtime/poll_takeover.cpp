#include "runtime/poll_takeover.h"

#include "common/extensions_protocol.h"

#include <fmt/format.h>

#include <utility>

namespace postlude::runtime {

void PollTakeover::registered(std::string identifier) {
  identifier_ = std::move(identifier);
  duty_.registered();
}

void PollTakeover::invocation_began(std::uint64_t sequence) {
  duty_.invocation_began(sequence);
  forget_rescue();
}

void PollTakeover::extension_died(EpochTime at) {
  duty_.extension_died(at);
  watch_for_rescue();
}

void PollTakeover::stop() {
  stopped_ = true;
  forget_rescue();
}

void PollTakeover::watch_for_rescue() {
  forget_rescue();
  if (const auto due = duty_.rescue_due(); due && !stopped_) {
    rescue_ = loop_.at(*due, [this] {
      rescue_.reset();
      const auto verdict = duty_.rescue(now());
      watch_for_rescue();
      act(verdict);
    });
  }
}

void PollTakeover::forget_rescue() {
  if (rescue_) {
    loop_.cancel(*std::exchange(rescue_, {}));
  }
}

void PollTakeover::act(PollDuty::Verdict verdict) {
  if (verdict == PollDuty::Verdict::ask && !stopped_) {
    ask();
  }
}

void PollTakeover::ask() {
  connection_.request(next_event_request(connection_.address(), identifier_),
                      [this](const Result<PlatformAnswer>& answer) {
                        constexpr int kOk = 200;
                        if (answer && answer->status == kOk) {
                          act(duty_.answered());
                          return;
                        }
                        const std::string refusal =
                            fmt::format("the poll taken over from the extension was refused: {}",
                                        answer ? describe_refusal(answer->status, answer->body)
                                               : answer.error().message);
                        if (duty_.rescuing()) {
                          log_.debug(refusal);
                        } else {
                          log_.warn(refusal);
                        }
                        act(duty_.refused());
                      });
}

}  // namespace postlude::runtime
