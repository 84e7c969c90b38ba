// Messages as JSON text. Two of them cross the socket in every invocation: these are read without a
// tree as well, as they are written here.
#include "common/messages_text.h"

#include "common/object_text.h"

#include <charconv>
#include <string>
#include <string_view>
#include <system_error>
#include <variant>

namespace postlude {
namespace {

/// "type" first.
ObjectText object_of(std::string_view type) {
  ObjectText object;
  object.text("type", type);
  return object;
}

ObjectText object_of(std::string_view type, const InvocationKey& key) {
  ObjectText object = object_of(type);
  object.text("requestId", key.request_id).number("sequence", static_cast<long long>(key.sequence));
  return object;
}

std::string text_of(const Hello& hello) {
  return object_of("hello")
      .number("protocol", hello.protocol)
      .text("runtimeApi", hello.runtime_api)
      .text("taskRoot", hello.task_root)
      .text("spool", hello.spool)
      .number("concurrency", hello.concurrency)
      .number("deadlineMarginMs", hello.deadline_margin.count())
      .number("logLevel", static_cast<int>(hello.log_level))
      .flag("metrics", hello.metrics)
      .flag("driven", hello.driven)
      .number("lastRecord", static_cast<long long>(hello.last_record))
      .take();
}

std::string text_of(const Replayed& replayed) {
  return object_of("replayed")
      .number("carried", replayed.carried)
      .number("carriedHandlers", replayed.carried_handlers)
      .take();
}

std::string text_of(const Registered& registered) {
  return object_of("registered")
      .flag("accepted", registered.accepted)
      .text("identifier", registered.identifier)
      .text("reason", registered.reason)
      .flag("nameTaken", registered.name_taken)
      .flag("hearsShutdown", registered.hears_shutdown)
      .take();
}

std::string text_of(const Answered& answered) {
  return object_of("answered", answered.key)
      .number("workDeadlineMs", epoch_ms(answered.work_deadline))
      .take();
}

std::string text_of(const Accepted& accepted) {
  return object_of("accepted", accepted.key)
      .text("record", accepted.record)
      .text("id", accepted.id)
      .flag("atOnce", accepted.at_once)
      .take();
}

std::string text_of(const Dropped& dropped) {
  return object_of("dropped", dropped.key)
      .text("id", dropped.id)
      .text("name", dropped.name)
      .text("why", dropped.why)
      .take();
}

std::string text_of(const Closed& closed) {
  ObjectText object = object_of("closed", closed.key);
  object.number("workDeadlineMs", epoch_ms(closed.work_deadline))
      .number("eventMs", epoch_ms(closed.answer.event_time))
      .number("responseEndMs", epoch_ms(closed.answer.response_end));
  if (closed.answer.late_error_type) {
    object.text("lateErrorType", *closed.answer.late_error_type);
  }
  if (closed.answer.failed) {
    object.flag("failed", true);
  }
  if (closed.answer.repeated) {
    object.flag("repeated", true);
  }
  return object.take();
}

std::string text_of(const Settled& settled) {
  return object_of("settled", settled.key)
      .number("carried", settled.carried)
      .number("carriedHandlers", settled.carried_handlers)
      .take();
}

std::string text_of(const Idle& idle) {
  return object_of("idle", idle.key).take();
}

std::string text_of(const HandlersDone& done) {
  return object_of("handlersDone", done.key).take();
}

std::string text_of(const Reenter& reenter) {
  ObjectText object = object_of("reenter", reenter.key);
  object.text("attemptId", reenter.request_id)
      .number("deadlineMs", epoch_ms(reenter.deadline))
      .text("functionArn", reenter.function_arn)
      .text("traceId", reenter.trace_id)
      .text("cognitoIdentity", reenter.cognito_identity)
      .text("clientContext", reenter.client_context)
      .number("eventBytes", static_cast<long long>(reenter.event_bytes))
      .number("depth", reenter.depth);
  if (reenter.tenant_id) {
    object.text("tenantId", *reenter.tenant_id);
  }
  return object.take();
}

std::string text_of(const HandlerEnded& ended) {
  return object_of("handlerEnded")
      .text("attemptId", ended.request_id)
      .text("trouble", ended.trouble)
      .take();
}

std::string text_of(const ShutDown& down) {
  return object_of("shutDown").number("deadlineMs", epoch_ms(down.deadline)).take();
}

std::string text_of(const RuntimeGone& /*gone*/) {
  return object_of("runtimeGone").take();
}

std::string text_of(const Restored& /*restored*/) {
  return object_of("restored").take();
}

std::string text_of(const Empty& /*empty*/) {
  return object_of("empty").take();
}

std::string text_of(const Ping& ping) {
  return object_of("ping").number("number", static_cast<long long>(ping.number)).take();
}

std::string text_of(const Pong& pong) {
  return object_of("pong").number("number", static_cast<long long>(pong.number)).take();
}

std::string text_of(const Inspect& inspect) {
  return object_of("inspect", inspect.key)
      .number("query", static_cast<long long>(inspect.query))
      .take();
}

std::string text_of(const TaskStatus& task) {
  ObjectText object;
  return object.text("id", task.id)
      .text("name", task.name)
      .text("state", task.state)
      .number("attempt", task.attempt)
      .take();
}

std::string text_of(const TaskStates& states) {
  std::string tasks = "[";
  for (const TaskStatus& task : states.tasks) {
    tasks.append(tasks.size() > 1 ? "," : "").append(text_of(task));
  }
  return object_of("taskStates")
      .number("query", static_cast<long long>(states.query))
      .flag("last", states.last)
      .json("tasks", tasks.append("]"))
      .take();
}

/// Reads text from front to back, as far as it is what the writers above make of it.
class WrittenText {
 public:
  explicit WrittenText(std::string_view text) : rest_(text) {}

  WrittenText& skip(std::string_view literal) {
    fits_ = fits_ && rest_.starts_with(literal);
    rest_.remove_prefix(fits_ ? literal.size() : 0);
    return *this;
  }
  /// Up to the closing quote; one with escapes does not fit.
  WrittenText& text(std::string& out) {
    const std::size_t end = rest_.find_first_of("\"\\");
    fits_ = fits_ && end != std::string_view::npos && rest_[end] == '"';
    if (fits_) {
      out = rest_.substr(0, end);
      rest_.remove_prefix(end);
    }
    return *this;
  }
  template <class Number>
  WrittenText& number(Number& out) {
    const auto read = std::from_chars(rest_.data(), rest_.data() + rest_.size(), out);
    fits_ = fits_ && read.ec == std::errc();
    if (fits_) {
      rest_.remove_prefix(static_cast<std::size_t>(read.ptr - rest_.data()));
    }
    return *this;
  }
  WrittenText& time(EpochTime& out) {
    Millis::rep milliseconds = 0;
    number(milliseconds);
    out = from_epoch_ms(milliseconds);
    return *this;
  }
  WrittenText& key(std::string_view type, InvocationKey& out) {
    return skip(R"({"type":")")
        .skip(type)
        .skip(R"(","requestId":")")
        .text(out.request_id)
        .skip(R"(","sequence":)")
        .number(out.sequence);
  }
  [[nodiscard]] bool fits() const { return fits_ && rest_.empty(); }

 private:
  std::string_view rest_;
  bool fits_ = true;
};

}  // namespace

std::optional<Message> read_written(std::string_view packet) {
  Closed closed;
  if (WrittenText(packet)
          .key("closed", closed.key)
          .skip(R"(,"workDeadlineMs":)")
          .time(closed.work_deadline)
          .skip(R"(,"eventMs":)")
          .time(closed.answer.event_time)
          .skip(R"(,"responseEndMs":)")
          .time(closed.answer.response_end)
          .skip("}")
          .fits()) {
    return closed;
  }
  Settled settled;
  if (WrittenText(packet)
          .key("settled", settled.key)
          .skip(R"(,"carried":)")
          .number(settled.carried)
          .skip(R"(,"carriedHandlers":)")
          .number(settled.carried_handlers)
          .skip("}")
          .fits()) {
    return settled;
  }
  return std::nullopt;
}

std::string encode(const Message& message) {
  return std::visit([](const auto& one) { return text_of(one); }, message);
}

}  // namespace postlude
