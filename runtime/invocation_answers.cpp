// What the function and its runtime answer.
#include "common/base64.h"
#include "common/json_text.h"
#include "runtime/invocation_flow.h"
#include "runtime/runtime_messages.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <utility>

namespace postlude::runtime {
namespace {

constexpr std::string_view kErrorType = "Lambda-Runtime-Function-Error-Type";
constexpr std::string_view kErrorBody = "Lambda-Runtime-Function-Error-Body";

}  // namespace

AnswerTurn InvocationFlow::answer_head(const Exchange& exchange, const HttpHead& head) {
  if (exchange.kind == ExchangeKind::early_response) {
    return early_answer(exchange, head);
  }
  if (lane_.is(exchange.request_id)) {
    return handler_answer(exchange, head);
  }
  if (lane_.was_last(exchange.request_id)) {
    return {.kind = AnswerTurn::Kind::discarded};  // it came after the poll that ended the attempt
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
  auto subject = resolve(exchange.request_id);
  if (!subject) {
    return {.kind = AnswerTurn::Kind::refused, .refusal = std::move(subject.error())};
  }
  return lane_.is(subject->request_id) ? handler_answer(exchange, head)
                                       : begin_answer(*subject->open, exchange.kind, head);
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

void InvocationFlow::late_error(Open& open, const HttpHead& head) {
  std::string type(head.find(kErrorType).value_or("Unknown"));
  log_.error(fmt::format("error after the answer: {}", type),
             {.request_id = open.invocation.about().key.request_id});
  open.invocation.late_error(std::move(type));
}

}  // namespace postlude::runtime
