#pragma once

#include "common/clock.h"
#include "common/error.h"
#include "common/log.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace postlude {

/// What crosses the Unix socket between shim and extension, one JSON object a packet. Order, and
/// what each message promises: PROTOCOL.md.

/// Raised when a peer of another version would misread a message.
inline constexpr int kProtocolVersion = 5;

/// One invocation of this environment. Lambda repeats request ids (asynchronous retries), so the
/// sequence number tells invocations apart.
struct InvocationKey {
  std::string request_id;
  std::uint64_t sequence = 0;

  friend bool operator==(const InvocationKey&, const InvocationKey&) = default;
};

/// Shim: first message. The shim alone reads the configuration.
struct Hello {
  int protocol = kProtocolVersion;
  std::string runtime_api;  ///< host:port of the platform, never the proxy
  std::string task_root;
  std::string spool;  ///< this generation's folder
  int concurrency = 4;
  Millis deadline_margin{500};  ///< as configured; of a short invocation it is less
  LogLevel log_level = LogLevel::info;
  bool metrics = false;  ///< every invocation is told of in CloudWatch's embedded metric format
  /// The platform is not to know this process: the shim polls for it, or holds invocations itself.
  bool driven = false;
  /// Records up to this number are in the folder already; later ones come by Accepted.
  std::uint64_t last_record = 0;
};

/// Extension: what it found in the spool is held by it from here on. Sent once, after Hello.
struct Replayed {
  int carried = 0;           ///< tasks that wait for the next invocation
  int carried_handlers = 0;  ///< handler tasks among them
};

/// Extension: whether the platform waits for it in every invocation: the answer to its
/// registration.
struct Registered {
  bool accepted = false;
  std::string identifier;  ///< Lambda-Extension-Identifier
  std::string reason;      ///< where not accepted
  /// Not accepted, because the platform knows an extension of that name.
  bool name_taken = false;
  /// The platform tells it of the shutdown, within a budget of its own (external flavour).
  bool hears_shutdown = false;
};

/// Shim: the platform took the answer. Sent before the first Accepted of an invocation, and for an
/// invocation without tasks if the last Settled reported carried ones: carried work may run now.
struct Answered {
  InvocationKey key;
  EpochTime work_deadline;  ///< deadline - margin
};

/// Shim: the record is in the spool; the task belongs to the extension from here on.
struct Accepted {
  InvocationKey key;
  std::string record;    ///< file name in the spool
  std::string id;        ///< of the task, for a record that cannot be read
  bool at_once = false;  ///< it does not wait for the answer (`when: timeout`)
};

/// Shim: a task got its id, but its record could not be written; it ends `dropped` in the receipt.
struct Dropped {
  InvocationKey key;
  std::string id;
  std::string name;
  std::string why;
};

/// How the answer ended, for the receipt.
struct AnswerSummary {
  EpochTime event_time;    ///< the event was delivered to the runtime
  EpochTime response_end;  ///< the caller had everything (or would have)
  std::optional<std::string> late_error_type = std::nullopt;
  bool failed = false;    ///< the caller got an error, or less than everything
  bool repeated = false;  ///< a Closed before told of this answer (invocations that overlap)
};

/// Shim: nothing will be added to this invocation any more. Sent for every invocation.
struct Closed {
  InvocationKey key;
  EpochTime work_deadline;  ///< deadline - margin
  AnswerSummary answer;
};

/// Extension: the invocation is closed, every task that ran in it has ended or is carried, and its
/// receipt is written.
struct Settled {
  InvocationKey key;
  int carried = 0;           ///< tasks that wait for the next invocation
  int carried_handlers = 0;  ///< handler tasks among them
};

/// Shim: the runtime waits for its next event, and handler tasks of this invocation, or carried
/// ones, may be under way. Answered by Reenter or HandlersDone, and sent again after each Reenter.
struct Idle {
  InvocationKey key;
};

/// Extension: no handler task will run in the time of this invocation any more.
struct HandlersDone {
  InvocationKey key;
};

/// Extension: give this event to the runtime. It comes along as an open file.
struct Reenter {
  InvocationKey key;       ///< in whose time
  std::string request_id;  ///< of the attempt: a new one
  EpochTime deadline;
  std::string function_arn;
  std::string trace_id;
  std::optional<std::string> tenant_id;
  std::string cognito_identity;  ///< JSON text; empty: none
  std::string client_context;    ///< JSON text
  std::uint64_t event_bytes = 0;
  int depth = 1;  ///< of handler tasks that deferred one another
};

/// Shim: an attempt is over. The runtime answered it, or left it, or did not get it.
struct HandlerEnded {
  std::string request_id;
  std::string trouble;  ///< empty: success
};

/// Shim: the environment ends; finish, spill or give up before `deadline`.
struct ShutDown {
  EpochTime deadline;
};

/// Shim: the runtime is gone and the shim will follow, once the work at hand is settled. No
/// invocation is released any more: frozen now, the environment would meet the next caller with a
/// dead runtime.
struct RuntimeGone {};

/// Extension: nothing is left that could still be done.
struct Empty {};

/// Shim: are you there? Answered by Pong of the same number.
struct Ping {
  std::uint64_t number = 0;
};
struct Pong {
  std::uint64_t number = 0;
};

/// Shim: this environment was restored from a snapshot, which others may be copies of, perhaps long
/// ago. What was known of the outside before it is worth nothing.
struct Restored {};

/// Shim: how are the tasks of this invocation? Answered by TaskStates of the same query.
struct Inspect {
  InvocationKey key;
  std::uint64_t query = 0;
};

/// One task, in the words of the local API (contract.md 5).
struct TaskStatus {
  std::string id;
  std::string name;
  std::string state;
  int attempt = 0;  ///< the last one that was started; 0: none
};

/// Extension: all tasks of an invocation that it still knows, in as many packets as it takes.
struct TaskStates {
  std::uint64_t query = 0;
  bool last = true;
  std::vector<TaskStatus> tasks;
};

using Message = std::variant<Hello,
                             Replayed,
                             Registered,
                             Answered,
                             Accepted,
                             Dropped,
                             Closed,
                             Settled,
                             Idle,
                             HandlersDone,
                             Reenter,
                             HandlerEnded,
                             ShutDown,
                             RuntimeGone,
                             Empty,
                             Ping,
                             Pong,
                             Restored,
                             Inspect,
                             TaskStates>;

[[nodiscard]] std::string encode(const Message& message);

/// An unknown type or a missing member is an error that names it.
[[nodiscard]] Result<Message> decode(std::string_view packet);

}  // namespace postlude
