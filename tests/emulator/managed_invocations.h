#pragma once

#include "tests/emulator/refusal.h"
#include "tests/emulator/runtime_state.h"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace postlude::emulator {

class Invocation;

/// An event on its way out to the runtime.
struct RuntimeEvent {
  std::shared_ptr<Invocation> invocation;
  std::int64_t deadline_ms = 0;
};

/// The Runtime API's state on Managed Instances (lambda-protocol.md 1.11): each parked `next` is an
/// idle worker, several invocations run at once, and nothing but the request id says which one an
/// answer is for. Pure: whoever owns it locks it.
class ManagedInvocations {
 public:
  using Worker = std::size_t;
  /// Late answers of so many timed out invocations are told apart from unknown ids.
  static constexpr std::size_t kRememberedTimeouts = 1000;

  /// GET next.
  [[nodiscard]] Worker poll();
  /// The client of a poll hung up; the event that was on its way to it.
  [[nodiscard]] std::optional<RuntimeEvent> gone(Worker worker);
  [[nodiscard]] bool polled() const { return last_worker_ > 0; }
  [[nodiscard]] std::size_t idle() const { return idle_.size(); }

  enum class Offer {
    taken,
    unavailable,  ///< no idle worker
    duplicate,    ///< that request id is running
  };
  /// To the worker that is idle for the longest time.
  [[nodiscard]] Offer offer(const RuntimeEvent& event);
  /// What this worker's poll is answered with.
  [[nodiscard]] std::optional<RuntimeEvent> take(Worker worker);

  /// POST response or error, head read; `kind` is responding or reporting_error. An error may come
  /// while the response is being read and ends it.
  [[nodiscard]] std::variant<std::shared_ptr<Invocation>, Refusal> begin_answer(
      const AnswerIds& ids, RuntimePhase kind);
  /// The answer is complete: the invocation is over.
  void answer_done(const std::string& request_id);
  /// Its time is over; the worker may go on, its answer is refused.
  void expire(const std::string& request_id);
  [[nodiscard]] bool running(const std::string& request_id) const;
  /// What an answer to an id that is not running is refused with.
  [[nodiscard]] Refusal refuse_late(const std::string& request_id);

 private:
  enum class State { running, responding, reporting_error };
  struct Running {
    RuntimeEvent event;
    State state = State::running;
  };

  Worker last_worker_ = 0;
  std::deque<Worker> idle_;
  std::map<Worker, RuntimeEvent> assigned_;
  std::map<std::string, Running> running_;
  std::deque<std::string> expired_;
};

}  // namespace postlude::emulator
