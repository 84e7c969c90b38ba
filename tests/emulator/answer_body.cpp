#include "tests/emulator/answer_body.h"

#include "common/base64.h"
#include "tests/emulator/error_types.h"
#include "tests/emulator/limits.h"

#include <nlohmann/json.hpp>

#include <poll.h>

#include <utility>

namespace postlude::emulator {
namespace {

/// One answer on its way in: the runtime's request and the invocation that it settles.
struct Incoming {
  const ApiRequest& request;
  std::shared_ptr<Invocation> invocation;

  [[nodiscard]] const std::string& id() const { return invocation->request().request_id; }
  [[nodiscard]] std::string content_type() const {
    return request.header("Content-Type")
        .value_or(request.generation->managed() ? "application/octet-stream" : "application/json");
  }
  void tell(std::string_view event, nlohmann::json members) const {
    members["requestId"] = id();
    request.generation->record(event, members);
  }
};

nlohmann::json end_of(const std::optional<FunctionFailure>& failure, std::size_t bytes) {
  return {{"how", failure ? "errorTrailer" : "ok"},
          {"bytes", bytes},
          {"errorType", failure ? nlohmann::json(failure->error_type) : nlohmann::json()}};
}

/// The runtime may poll again, the environment may go on. Told behind it: a runtime whose
/// connection was cut has no other word of it.
void settle(const Incoming& incoming, const char* how) {
  incoming.request.generation->answer_done(incoming.id());
  incoming.tell("responseEnd", {{"how", how}});
}

bool acknowledge(const Incoming& incoming) {
  if (incoming.request.strikes(Fault::hold_acknowledgement, "holdAcknowledgement")) {
    incoming.request.settings.faults->wait_acknowledge(incoming.request.connection.fd());
  }
  const auto delay = incoming.request.settings.acknowledge_delay;
  if (delay.count() > 0) {
    ::poll(nullptr, 0, static_cast<int>(delay.count()));
  }
  return reply(incoming.request, accepted());
}

FunctionFailure platform_failure(const Incoming& incoming,
                                 const std::string& type,
                                 const std::string& message) {
  return {type, platform_error_body(type, incoming.id(), message)};
}

bool refuse_cut(const Incoming& incoming, BodyCut cut) {
  incoming.invocation->fail(
      platform_failure(incoming, "Runtime.TruncatedResponse", "Runtime.TruncatedResponse"));
  settle(incoming, "cut");
  return cut.malformed && reply_and_close(incoming.request, refusal_answer(truncated_request()));
}

bool refuse_too_large(const Incoming& incoming) {
  incoming.invocation->fail({"Function.ResponseSizeTooLarge", response_too_large_body()});
  settle(incoming, "tooLarge");
  return reply_and_close(incoming.request, refusal_answer(payload_too_large()));
}

bool refuse_mode(const Incoming& incoming) {
  incoming.invocation->fail(platform_failure(
      incoming, "Runtime.InvalidResponseModeHeader", "Invalid function response mode"));
  settle(incoming, "invalidMode");
  return drop_body_and_reply(incoming.request, refusal_answer(invalid_response_mode()));
}

/// As an answer of an invocation that is over (lambda-protocol.md 1.9).
bool refuse_stale(const ApiRequest& request, const AnswerIds& ids) {
  return drop_body_and_reply(
      request, refusal_answer(ids.invocation_id ? invoke_timeout() : invalid_request_id()));
}

void break_if_ordered(const ApiRequest& request) {
  if (const auto bytes = request.strikes(Fault::cut_answer, "cutAnswer")) {
    request.connection.break_after(*bytes);
  }
}

/// The error that a streaming runtime sends behind its body.
std::optional<FunctionFailure> trailer_failure(const ApiRequest& request) {
  const auto type = find_field(request.connection.trailers(), "Lambda-Runtime-Function-Error-Type");
  if (!type) {
    return std::nullopt;
  }
  const auto body = find_field(request.connection.trailers(), "Lambda-Runtime-Function-Error-Body");
  return FunctionFailure{clean_error_type(*type),
                         base64_decode(body.value_or("")).value_or(std::string())};
}

/// The invocation ended under its stream. Where the runtime lives on it learns why.
bool refuse_rest(const Incoming& incoming) {
  if (!incoming.request.generation->managed()) {
    return false;
  }
  const Refusal late = incoming.request.generation->refuse_late(incoming.id());
  constexpr int kGone = 410;
  return reply_and_close(incoming.request,
                         refusal_answer(late.status == kGone ? late : internal_server_error()));
}

bool take_whole(const Incoming& incoming) {
  auto body = read_whole_body(incoming.request, kMaxBufferedBytes);
  if (const auto* cut = std::get_if<BodyCut>(&body)) {
    return refuse_cut(incoming, *cut);
  }
  if (std::holds_alternative<BodyTooLarge>(body)) {
    return refuse_too_large(incoming);
  }
  auto failure = trailer_failure(incoming.request);
  incoming.tell("responseEnd", end_of(failure, std::get<std::string>(body).size()));
  incoming.invocation->answer(
      {incoming.content_type(), std::get<std::string>(std::move(body)), std::move(failure)});
  incoming.request.generation->answer_done(incoming.id());
  return acknowledge(incoming);
}

bool take_stream(const Incoming& incoming) {
  HttpConnection& connection = incoming.request.connection;
  incoming.invocation->begin_stream(incoming.content_type());
  std::size_t total = 0;
  while (true) {
    const auto piece = connection.read_body();
    if (!piece) {
      return refuse_cut(incoming, BodyCut{piece.error().code != ErrorCode::closed});
    }
    if (!*piece) {
      break;
    }
    total += (*piece)->size();
    if (total > kMaxStreamedBytes) {
      return refuse_too_large(incoming);
    }
    if (!incoming.invocation->write(**piece)) {
      return refuse_rest(incoming);
    }
  }
  auto failure = trailer_failure(incoming.request);
  incoming.tell("responseEnd", end_of(failure, total));
  incoming.invocation->end_stream(std::move(failure));
  incoming.request.generation->answer_done(incoming.id());
  return acknowledge(incoming);
}

bool end_with_error(const Incoming& incoming, std::string body) {
  const std::string type =
      clean_error_type(incoming.request.header("Lambda-Runtime-Function-Error-Type").value_or(""));
  incoming.tell("responseEnd", {{"how", "error"}, {"errorType", type}});
  incoming.invocation->fail({type, std::move(body)});
  incoming.request.generation->answer_done(incoming.id());
  return acknowledge(incoming);
}

/// The answer of the one invocation that runs.
bool take_only_error(const ApiRequest& request, const AnswerIds& ids) {
  auto begun = request.generation->begin_answer(ids, RuntimePhase::reporting_error);
  if (const auto* refusal = std::get_if<Refusal>(&begun)) {
    return drop_body_and_reply(request, refusal_answer(*refusal));
  }
  const Incoming incoming{request, std::get<std::shared_ptr<Invocation>>(std::move(begun))};
  break_if_ordered(request);
  auto body = read_whole_body(request, kMaxBufferedBytes);
  if (const auto* cut = std::get_if<BodyCut>(&body)) {
    return refuse_cut(incoming, *cut);
  }
  if (std::holds_alternative<BodyTooLarge>(body)) {
    return refuse_too_large(incoming);
  }
  return end_with_error(incoming, std::get<std::string>(std::move(body)));
}

/// On Managed Instances the report is read first: one that is too large or cut changes nothing.
bool take_managed_error(const ApiRequest& request, const AnswerIds& ids) {
  break_if_ordered(request);
  auto body = read_whole_body(request, kMaxErrorBytes);
  if (std::holds_alternative<BodyCut>(body)) {
    return false;
  }
  if (std::holds_alternative<BodyTooLarge>(body)) {
    return reply_and_close(request, refusal_answer(payload_too_large()));
  }
  auto begun = request.generation->begin_answer(ids, RuntimePhase::reporting_error);
  if (const auto* refusal = std::get_if<Refusal>(&begun)) {
    return reply(request, refusal_answer(*refusal));
  }
  return end_with_error({request, std::get<std::shared_ptr<Invocation>>(std::move(begun))},
                        std::get<std::string>(std::move(body)));
}

}  // namespace

bool take_response(const ApiRequest& request, const AnswerIds& ids) {
  if (request.strikes(Fault::stale_answer, "staleAnswer")) {
    return refuse_stale(request, ids);
  }
  auto begun = request.generation->begin_answer(ids, RuntimePhase::responding);
  if (const auto* refusal = std::get_if<Refusal>(&begun)) {
    return drop_body_and_reply(request, refusal_answer(*refusal));
  }
  const Incoming incoming{request, std::get<std::shared_ptr<Invocation>>(std::move(begun))};
  break_if_ordered(request);
  const auto mode = request.header("Lambda-Runtime-Function-Response-Mode");
  if (mode && *mode != "streaming") {
    return refuse_mode(incoming);
  }
  const bool streams = mode && incoming.invocation->request().mode == CallerMode::streamed;
  return streams ? take_stream(incoming) : take_whole(incoming);
}

bool take_error(const ApiRequest& request, const AnswerIds& ids) {
  if (request.strikes(Fault::stale_answer, "staleAnswer")) {
    return refuse_stale(request, ids);
  }
  return request.generation->managed() ? take_managed_error(request, ids)
                                       : take_only_error(request, ids);
}

}  // namespace postlude::emulator
