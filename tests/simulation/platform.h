#pragma once

#include "common/child_process.h"
#include "common/clock.h"
#include "common/platform_connection.h"
#include "tests/simulation/plan.h"

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace postlude::simulation {

/// Two pings missed, and a successor that reads the spool.
inline constexpr Millis kHangNoticed{4500};

/// The simulated Lambda (lambda-protocol.md): one environment with its generations, the Runtime API
/// and the Extensions API as strict as the real ones, freezing, timeouts, resets, shutdown.
class Platform {
 public:
  using EventReply = std::function<void(const std::string& head, const std::string& body)>;
  using StatusReply = std::function<void(int status)>;
  using ExtensionReply = std::function<void(Result<PlatformAnswer>)>;

  explicit Platform(const Plan& plan) : plan_(plan) {}

  /// The first caller comes.
  void begin();

  // The Runtime API, as the shim calls it.
  void runtime_polls(EventReply reply);
  void answer_begins(const std::string& id);
  struct Answer {
    std::string id;
    bool failed = false;  ///< an error, or one in the trailers
  };
  void answer_ends(const Answer& answer, StatusReply reply);
  /// The connection breaks in the middle of it.
  void answer_breaks(const std::string& id);

  /// The Extensions API.
  void extension_asks(const std::string& bytes, const ExtensionReply& reply);

  // What it sees of processes.
  void shim_ended(ExitStatus status);
  void extension_died();
  /// It has told the shim so; its poll follows.
  void extension_settled() { extension_settled_ = true; }
  /// A generation that starts now may find no room for its folder.
  void disk_full() { complete_ = complete_ && state_ != State::starting; }
  /// It hangs: between its last word and its poll nobody waits for its word, so nobody notices.
  void extension_stopped();
  /// It has told the shim its identifier.
  void extension_known() { extension_known_ = true; }

  // For the checks only: the platform does not see the runtime behind the shim.
  void runtime_died();
  /// The invocation at hand may run into its timeout.
  void excuse(const std::string& reason);
  /// The same if its deadline is nearer than that.
  void excuse_within(Millis time, const std::string& reason);

  [[nodiscard]] std::optional<EpochTime> deadline() const;
  /// The shim holds the environment, not the extension: until the work deadline at most, when
  /// attempts are only told to stop.
  [[nodiscard]] bool driven() const { return extension_id_.empty() || extension_deaths_ > 0; }
  /// Attempts may be under way that an earlier release left behind.
  [[nodiscard]] bool left_behind() const { return left_behind_; }
  /// The extension holds it, and an undisturbed invocation is at hand.
  [[nodiscard]] bool watches() const { return current_ && current_->excuse.empty() && !driven(); }
  [[nodiscard]] bool over() const { return state_ == State::over; }
  /// It has not said that the invocation at hand is settled.
  [[nodiscard]] bool waits_for_extension() const {
    return state_ == State::invoking && current_ && current_->answered && !extension_settled_;
  }
  /// It ended with a shutdown that everybody heard of, and undisturbed.
  [[nodiscard]] bool ended_in_order() const { return in_order_; }
  [[nodiscard]] int generation() const { return generation_; }
  [[nodiscard]] int invocations() const { return invocations_; }

 private:
  enum class State { down, starting, idle, invoking, ending, over };
  struct Invocation {
    std::string id;
    EpochTime deadline;
    bool delivered = false;
    bool answering = false;
    bool answered = false;
    int verdict = 0;  ///< of the answer that is being read
    bool runtime_done = false;
    bool extension_called = false;
    std::string excuse;
  };

  void invoke();
  void start_generation();
  void deliver_if_ready();
  void give_event();
  void end_if_done();
  void invocation_over();
  [[nodiscard]] bool work_time_is_over() const;
  void time_out(int number);
  void answer_caller(bool success);
  void expect_tasks(bool success);
  void reset();
  void shut_down();
  void register_extension(const ExtensionReply& reply);
  void extension_polls(std::string_view identifier, const ExtensionReply& reply);
  [[nodiscard]] static PlatformAnswer refusal(std::string_view type);
  [[nodiscard]] std::string event_head() const;

  const Plan& plan_;
  State state_ = State::down;
  std::optional<Invocation> current_;
  int invocations_ = 0;
  int generation_ = 0;
  bool registration_open_ = false;
  std::string extension_id_;  ///< empty: none is registered
  std::optional<EventReply> runtime_poll_;
  std::optional<ExtensionReply> extension_poll_;
  bool extension_parked_ = false;
  int extension_deaths_ = 0;
  bool left_behind_ = false;  ///< attempts may be under way from an earlier invocation
  bool excuse_all_ = false;   ///< an extension is registered that nobody knows the identifier of
  int rescues_ = 0;           ///< polls that may be refused: one for each extension that died
  bool extension_known_ = false;    ///< the shim knows its identifier
  bool extension_hung_ = false;     ///< in the invocation at hand
  bool extension_settled_ = false;  ///< the invocation at hand
  bool shutting_down_ = false;
  bool complete_ = true;  ///< this generation has a folder, and all that is held in it
  bool in_order_ = false;
};

}  // namespace postlude::simulation
