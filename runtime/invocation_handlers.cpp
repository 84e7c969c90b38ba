// Handler tasks: between the end of an invocation and the runtime's next event.
#include "common/json_text.h"
#include "runtime/invocation_flow.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <utility>

namespace postlude::runtime {
namespace {

constexpr std::string_view kErrorType = "Lambda-Runtime-Function-Error-Type";
/// An error object is small; of what is larger only the type of the head counts.
constexpr std::size_t kMostErrorBytes = std::size_t{64} << 10;

constexpr std::string_view kTooLate = "its time was over before the runtime took it";

std::string handler_failed(std::string_view type) {
  return fmt::format("the handler failed: {}", type);
}

}  // namespace

void InvocationFlow::add_handlers_to(RelayTraffic& traffic) {
  traffic.own_event = [this] { return overlap_ ? own_event_overlapping() : lane_.take(); };
  traffic.handler_bytes = [this](std::string_view bytes) { handler_bytes(bytes); };
  traffic.handler_trailers = [this](std::string_view lines) { handler_trailers(lines); };
  traffic.handler_answered = [this] { handler_answered(); };
  traffic.handler_cut = [this] { handler_cut(); };
}

bool InvocationFlow::waits_for_handlers(Open& open) {
  const bool possible = open.handlers > 0 || carried_handlers_ > 0;
  if (!possible || open.handlers_done || poll_is_up_ || open.invocation.runtime_gone() ||
      hold_.extension() == ExtensionState::unavailable) {
    return false;
  }
  // An attempt that waits to be taken is what the runtime gets first. Where invocations overlap, a
  // worker has to wait for one first.
  if (!overlap_ && !open.told_idle && !lane_.offered()) {
    open.told_idle = true;
    tell_answered(open);
    link_.send(Idle{open.invocation.about().key});
  }
  if (overlap_) {
    watch_deadline(open.invocation.about().key.sequence, *open.work_deadline);
  }
  return true;
}

std::optional<EpochTime> InvocationFlow::handlers_until() {
  std::optional<EpochTime> until;
  for (std::size_t i = open_.size(); i-- > 0;) {
    Open& open = *open_[i];
    if (!open.invocation.over() || !open.work_deadline || open.handlers_done) {
      continue;
    }
    // The extension ends its attempts by then; one that does not is not waited for.
    if (*open.work_deadline <= now()) {
      open.handlers_done = true;
      advance(open);
    } else {
      until = *open.work_deadline;
    }
  }
  return until;
}

void InvocationFlow::reenter(const Reenter& reenter, std::vector<UniqueFd> event) {
  Open* open = find(reenter.key.sequence);
  const bool late = reenter.deadline <= now();
  if (open != nullptr && !event.empty() && !lane_.busy() && !late) {
    lane_.offer(reenter, std::move(event.front()));
    events_.resume_polls();
    return;
  }
  link_.send(
      HandlerEnded{reenter.request_id,
                   std::string(late ? kTooLate : "its event could not be handed to the runtime")});
  if (open != nullptr && !lane_.busy()) {
    open->told_idle = false;
    advance(*open);
  }
  if (overlap_) {
    events_.resume_polls();  // nobody else asks again
  }
}

/// The runtime asks for its next event: an attempt in it is over, and so is one that it comes too
/// late for. The extension may send another one.
void InvocationFlow::leave_attempt() {
  const bool late = lane_.offered() && lane_.attempt().deadline <= now();
  if (!late && !lane_.busy()) {
    return;
  }
  if (Open* host = find(lane_.attempt().key.sequence)) {
    host->told_idle = false;
  }
  if (late) {
    lane_.clear();
    link_.send(HandlerEnded{lane_.attempt().request_id, std::string(kTooLate)});
  } else if (lane_.polled()) {
    tell_attempt_ended("the runtime asked for its next event without an answer");
    wake_waiters();
  }
}

void InvocationFlow::tell_attempt_ended(std::string trouble) {
  if (lane_.wanted()) {
    link_.send(HandlerEnded{lane_.attempt().request_id, std::move(trouble)});
  }
}

void InvocationFlow::handlers_done(const HandlersDone& done) {
  Open* open = find(done.key.sequence);
  if (open == nullptr) {
    return;
  }
  open->handlers_done = true;
  advance(*open);
  events_.resume_polls();
}

void InvocationFlow::forget_handlers() {
  if (lane_.offered()) {
    lane_.clear();
  }
  for (std::size_t i = open_.size(); i-- > 0;) {
    if (open_[i]->invocation.over()) {
      advance(*open_[i]);
    }
  }
}

AnswerTurn InvocationFlow::handler_answer(const Exchange& exchange, const HttpHead& head) {
  if (lane_.has_answer()) {
    if (exchange.kind != ExchangeKind::early_response) {
      return {.kind = AnswerTurn::Kind::discarded};
    }
    return {.kind = AnswerTurn::Kind::refused,
            .refusal = {409,
                        "AlreadyAnswered",
                        fmt::format("invocation {} has its answer", lane_.attempt().request_id)}};
  }
  if (!lane_.begin_answer()) {
    waiters_ = true;
    return {.kind = AnswerTurn::Kind::waits};
  }
  handler_trouble_.clear();
  handler_error_.reset();
  if (exchange.kind == ExchangeKind::invocation_error) {
    const auto type = head.find(kErrorType);
    handler_trouble_ = handler_failed(type.value_or("unknown error"));
    if (!type) {
      handler_error_.emplace();  // AWS's native clients name it in the body only
    }
  }
  return {.kind = AnswerTurn::Kind::handler};
}

void InvocationFlow::handler_bytes(std::string_view bytes) {
  if (handler_error_ && handler_error_->size() < kMostErrorBytes) {
    handler_error_->append(bytes);
  }
}

void InvocationFlow::handler_trailers(std::string_view lines) {
  const std::string_view type = find_field(lines, kErrorType).value_or("");
  if (!type.empty()) {
    handler_trouble_ = handler_failed(type);
  }
}

void InvocationFlow::handler_answered() {
  if (handler_error_) {
    if (const auto error = parse_json(*handler_error_); error && error->is_object()) {
      handler_trouble_ = handler_failed(error->value("errorType", nlohmann::json()).is_string()
                                            ? error->at("errorType").get<std::string>()
                                            : "unknown error");
    }
    handler_error_.reset();
  }
  if (lane_.answered()) {
    tell_attempt_ended(std::exchange(handler_trouble_, {}));
    if (overlap_) {
      handler_attempt_over();
    }
  }
  wake_waiters();
}

void InvocationFlow::handler_cut() {
  lane_.answer_cut();
  wake_waiters();
}

}  // namespace postlude::runtime
