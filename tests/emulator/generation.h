#pragma once

#include "common/child_process.h"
#include "common/unique_fd.h"
#include "tests/emulator/event_journal.h"
#include "tests/emulator/extension_registry.h"
#include "tests/emulator/invocation.h"
#include "tests/emulator/managed_invocations.h"
#include "tests/emulator/runtime_state.h"

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace postlude::emulator {

inline constexpr const char* kRuntimeProcess = "runtime";

/// Why a generation is of no more use.
struct GenerationFailure {
  std::string type;     ///< "Runtime.ExitError"
  std::string message;  ///< in words, without request id
  std::string body;     ///< what a runtime or extension posted of it, if it did
};

struct NoEvent {};
struct PollsClosed {};
struct Restored {};

/// The lock and the condition of one environment; everything that changes in it is told here.
struct Monitor {
  std::mutex mutex;
  std::condition_variable changed;
};

/// One set of processes of an environment, from its init to its reset or shutdown: who polled, who
/// registered, what is under way. Between the threads of the two APIs, which ask, and the
/// environment's own thread, which decides. All functions are thread-safe unless they say `locked`:
/// those expect the monitor's mutex to be held.
class Generation {
 public:
  struct Tags {
    EventJournal* journal = nullptr;
    int environment = 0;
    int number = 0;
    ExtensionRules rules = ExtensionRules::on_demand;
  };
  Generation(Monitor& monitor, Tags tags);

  /// Wakes a thread that answers a parked poll, through a descriptor it can poll beside its socket.
  class Parked {
   public:
    explicit Parked(Generation& generation);
    ~Parked();
    Parked(const Parked&) = delete;
    Parked& operator=(const Parked&) = delete;
    [[nodiscard]] int fd() const { return wake_.get(); }
    void clear();

   private:
    friend class Generation;
    Generation& generation_;
    UniqueFd wake_;
  };

  // The Runtime API asks.

  [[nodiscard]] std::optional<Refusal> runtime_polls();
  [[nodiscard]] std::optional<Refusal> runtime_polls_restore();
  [[nodiscard]] std::variant<NoEvent, PollsClosed, RuntimeEvent> take_runtime_event();
  [[nodiscard]] std::variant<NoEvent, PollsClosed, Restored> take_restored();
  /// The connection broke under the event.
  void give_back_runtime_event();
  [[nodiscard]] std::variant<std::shared_ptr<Invocation>, Refusal> begin_answer(
      const AnswerIds& ids, RuntimePhase kind);
  void answer_done(const std::string& request_id);
  [[nodiscard]] std::optional<Refusal> runtime_init_error(GenerationFailure failure);

  // The Runtime API of Managed Instances asks.

  [[nodiscard]] bool managed() const { return managed_.has_value(); }
  [[nodiscard]] ManagedInvocations::Worker worker_polls();
  [[nodiscard]] std::variant<NoEvent, PollsClosed, RuntimeEvent> take_worker_event(
      ManagedInvocations::Worker worker);
  /// Its connection broke, with the event that was on its way to it or under that.
  void worker_gone(ManagedInvocations::Worker worker, const std::optional<RuntimeEvent>& lost);
  [[nodiscard]] Refusal refuse_late(const std::string& request_id);

  // The Extensions API asks.

  [[nodiscard]] std::variant<Extension, Refusal> register_extension(const Registration& what);
  [[nodiscard]] std::variant<Extension, Refusal> extension_polls(
      const std::optional<std::string>& id);
  /// Who may still subscribe to telemetry: any extension, until the init ended.
  [[nodiscard]] std::variant<Extension, Refusal> telemetry_subscriber(
      const std::optional<std::string>& id);
  [[nodiscard]] std::variant<NoEvent, PollsClosed, std::string> take_extension_event(
      const std::string& id);
  [[nodiscard]] std::variant<Extension, Refusal> extension_error(
      const std::optional<std::string>& id, GenerationFailure failure);
  void extension_poll_gone(const Extension& extension);

  // The sandbox tells.

  void process_exited(const std::string& who, ExitStatus status);

  // The environment decides.

  void launched(const std::string& extension);
  /// The runtime or an external extension could not be started at all.
  void cannot_start(GenerationFailure failure);
  /// Well or not.
  void end_init();
  void offer(RuntimeEvent event);
  void restore();
  /// No answer of the running invocation counts any more.
  void forget_invocation();
  [[nodiscard]] ManagedInvocations::Offer offer_to_worker(const RuntimeEvent& event);
  /// On Managed Instances: this one's time is over.
  void expire(const std::string& request_id);
  /// From here on exits are expected.
  void begin_shutdown();
  void send_shutdown(const std::string& extension_id,
                     std::int64_t deadline_ms,
                     const std::string& reason);
  /// Every poll ends with its connection.
  void close();

  [[nodiscard]] bool locked_externals_registered() const;
  /// The runtime asked for its first event, or for its restore.
  [[nodiscard]] bool locked_runtime_ready() const;
  [[nodiscard]] bool locked_init_done() const;
  [[nodiscard]] bool locked_restore_ready() const;
  /// The runtime asked for the next event.
  [[nodiscard]] bool locked_runtime_done() const;
  [[nodiscard]] bool locked_invoke_done() const;
  [[nodiscard]] std::size_t locked_idle_workers() const { return managed_ ? managed_->idle() : 0; }
  [[nodiscard]] bool locked_running(const std::string& request_id) const;
  [[nodiscard]] bool locked_exited(const std::string& who) const { return exits_.contains(who); }
  [[nodiscard]] const std::optional<GenerationFailure>& locked_failure() const { return failure_; }
  [[nodiscard]] std::vector<Extension> extensions() const;
  [[nodiscard]] bool has_extensions(ExtensionKind kind) const;
  /// When the runtime and when the last INVOKE subscriber asked for the next event.
  [[nodiscard]] std::chrono::steady_clock::time_point runtime_polled_at() const;

  void record(std::string_view event, const nlohmann::json& members) const;

 private:
  void tell_locked();
  void fail_locked(GenerationFailure failure);
  void record_locked(std::string_view event, const nlohmann::json& members) const;
  [[nodiscard]] std::string invoke_event_locked() const;

  Monitor& monitor_;
  const Tags tags_;
  RuntimeState runtime_;
  std::optional<ManagedInvocations> managed_;
  ExtensionRegistry extensions_;
  RuntimeEvent current_;
  bool runtime_event_waits_ = false;
  bool restored_ = false;
  bool init_over_ = false;
  bool closed_ = false;
  bool shutting_down_ = false;
  std::map<std::string, std::string> extension_events_;  ///< by identifier, for a live poll
  std::map<std::string, std::string> shutdown_events_;   ///< by identifier, also for a later poll
  std::map<std::string, ExitStatus> exits_;
  std::optional<GenerationFailure> failure_;
  std::vector<Parked*> parked_;
  std::chrono::steady_clock::time_point runtime_polled_at_;
};

}  // namespace postlude::emulator
