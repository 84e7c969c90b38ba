// What the function and its runtime say of an invocation: answers, and tasks that are deferred.
#include "common/base64.h"
#include "common/json_text.h"
#include "common/receipt.h"
#include "runtime/defer_request.h"
#include "runtime/invocation_flow.h"
#include "runtime/runtime_messages.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <utility>

namespace postlude::runtime {
namespace {

constexpr std::string_view kErrorType = "Lambda-Runtime-Function-Error-Type";
constexpr std::string_view kErrorBody = "Lambda-Runtime-Function-Error-Body";
/// Contract.md 5: of one invocation.
constexpr std::size_t kMaxTasksInvocation = 1000;

}  // namespace

AnswerTurn InvocationFlow::answer_head(const Exchange& exchange, const HttpHead& head) {
  if (exchange.kind == ExchangeKind::early_response) {
    return early_answer(exchange, head);
  }
  Open* open = find(exchange.request_id);
  if (open == nullptr) {
    return {};
  }
  if (exchange.kind == ExchangeKind::invocation_error && open->invocation.outcome()) {
    late_error(*open, head);
  }
  return begin_answer(*open, exchange.kind, head);
}

AnswerTurn InvocationFlow::early_answer(const Exchange& exchange, const HttpHead& head) {
  auto open = resolve(exchange.request_id);
  if (!open) {
    return {.kind = AnswerTurn::Kind::refused, .refusal = std::move(open.error())};
  }
  return begin_answer(**open, exchange.kind, head);
}

AnswerTurn InvocationFlow::begin_answer(Open& open, ExchangeKind kind, const HttpHead& head) {
  using Turn = Invocation::Turn;
  const auto& about = open.invocation.about();
  switch (open.invocation.begin_answer(
      kind == ExchangeKind::invocation_error ? Invocation::AnswerKind::error
                                             : Invocation::AnswerKind::response,
      kind == ExchangeKind::early_response ? Invocation::AnswerSource::function
                                           : Invocation::AnswerSource::runtime)) {
    case Turn::counts:
      break;
    case Turn::waits:
      waiters_ = true;
      return {.kind = AnswerTurn::Kind::waits};
    case Turn::discards:
      return {.kind = AnswerTurn::Kind::discarded};
    case Turn::refused:
      return {.kind = AnswerTurn::Kind::refused,
              .refusal = {409,
                          "AlreadyAnswered",
                          fmt::format("invocation {} has its answer", about.key.request_id)}};
    case Turn::ignored:
      return {};
  }
  if (open.bodies) {
    open.bodies->answer.clear();
    open.bodies->answer_has_prelude = streams_http(head);
  }
  return {.sequence = about.key.sequence,
          .request_id = about.key.request_id,
          .invocation_id = about.invocation_id};
}

void InvocationFlow::answer_trailers(Open& open, std::string_view lines) {
  const std::string_view type = find_field(lines, kErrorType).value_or("");
  if (type.empty()) {
    return;
  }
  open.invocation.error_trailer();
  if (open.bodies) {
    const std::string_view encoded = find_field(lines, kErrorBody).value_or("");
    auto decoded = base64_decode(encoded);
    open.bodies->error =
        decoded && !decoded->empty() ? std::move(*decoded) : dump_json({{"errorType", type}});
  }
}

tl::expected<InvocationFlow::Open*, ApiError> InvocationFlow::resolve(std::string_view id) {
  if (id != "current") {
    if (Open* open = find(id)) {
      return open;
    }
    return tl::unexpected(ApiError{404,
                                   "UnknownInvocation",
                                   fmt::format("invocation {} is not in flight; an invocation is "
                                               "until the runtime asks for its next event",
                                               id)});
  }
  if (open_.size() == 1) {
    return open_.front().get();
  }
  if (open_.empty()) {
    return tl::unexpected(ApiError{404, "UnknownInvocation", "no invocation is in flight"});
  }
  return tl::unexpected(ApiError{
      409, "SeveralInvocations", "several invocations are in flight; name one by its request id"});
}

void InvocationFlow::late_error(Open& open, const HttpHead& head) {
  std::string type(head.find(kErrorType).value_or("Unknown"));
  log_.error(fmt::format("error after the answer: {}", type),
             {.request_id = open.invocation.about().key.request_id});
  open.invocation.late_error(std::move(type));
}

void InvocationFlow::inspect(std::string_view id, Inspections::Reply reply) {
  const auto resolved = resolve(id);
  if (resolved && hold_.extension() != ExtensionState::unavailable) {
    inspections_.ask((*resolved)->invocation, std::move(reply));
    return;
  }
  std::string message;
  if (resolved) {
    const Open& open = **resolved;
    std::vector<TaskStatus> tasks;
    for (const ReceiptTask& task : open.dropped) {
      tasks.push_back({task.id, task.name, std::string(state_name(task.state)), task.attempts});
    }
    const auto& about = open.invocation.about();
    message = inspection_result(
        {about.key.request_id, about.deadline, open.invocation.outcome().has_value(), tasks});
  } else {
    message = refusal_message(resolved.error());
  }
  loop_.after_round([reply = std::move(reply), message = std::move(message)] { reply(message); });
}

tl::expected<std::string, ApiError> InvocationFlow::defer(std::string_view id,
                                                          std::string_view body) {
  auto resolved = resolve(id);
  if (!resolved) {
    return tl::unexpected(std::move(resolved.error()));
  }
  Open& open = **resolved;
  if (body.size() > kMaxDeferBytes) {
    return tl::unexpected(
        ApiError{413,
                 "PayloadTooLarge",
                 fmt::format("the request takes more than {} bytes; its payload may take {}",
                             kMaxDeferBytes,
                             kMaxPayloadBytes)});
  }
  if (open.accepted >= kMaxTasksInvocation) {
    return tl::unexpected(ApiError{
        413,
        "TooManyTasks",
        fmt::format("the invocation has {} tasks, more are not possible", kMaxTasksInvocation)});
  }
  if (hold_.extension() == ExtensionState::unavailable) {
    return tl::unexpected(ApiError{
        503, "ExtensionUnavailable", "there is no extension to run tasks; nothing was kept"});
  }
  auto request = parse_defer_request(body, journal_.configured());
  if (!request) {
    return tl::unexpected(std::move(request.error()));
  }
  if (open.work_deadline) {
    tell_answered(open);
  }
  auto accepted = journal_.defer(open.invocation, open.bodies, *request);
  if (!accepted) {
    return tl::unexpected(
        ApiError{503, "SpoolUnavailable", "the task cannot be kept: " + accepted.error().message});
  }
  ++open.accepted;
  return std::move(*accepted);
}

}  // namespace postlude::runtime
