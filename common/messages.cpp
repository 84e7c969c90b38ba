#include "common/messages.h"

#include "common/json_text.h"
#include "common/messages_text.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace postlude {
namespace {

using Json = nlohmann::json;

InvocationKey key_of(const Json& object) {
  return {object.at("requestId").get<std::string>(), object.at("sequence").get<std::uint64_t>()};
}

EpochTime time_of(const Json& object, const char* name) {
  return from_epoch_ms(object.at(name).get<Millis::rep>());
}

Result<Message> decode_hello(const Json& object) {
  Hello hello;
  hello.protocol = object.at("protocol").get<int>();
  if (hello.protocol != kProtocolVersion) {
    return fail(fmt::format("hello: protocol {} instead of {}", hello.protocol, kProtocolVersion));
  }
  hello.runtime_api = object.at("runtimeApi").get<std::string>();
  hello.task_root = object.at("taskRoot").get<std::string>();
  hello.spool = object.at("spool").get<std::string>();
  hello.concurrency = object.at("concurrency").get<int>();
  hello.deadline_margin = Millis(object.at("deadlineMarginMs").get<Millis::rep>());
  hello.log_level = static_cast<LogLevel>(object.at("logLevel").get<int>());
  hello.metrics = object.at("metrics").get<bool>();
  hello.driven = object.at("driven").get<bool>();
  hello.last_record = object.at("lastRecord").get<std::uint64_t>();
  return hello;
}

Closed decode_closed(const Json& object) {
  Closed closed{key_of(object),
                time_of(object, "workDeadlineMs"),
                {time_of(object, "eventMs"), time_of(object, "responseEndMs")}};
  if (object.contains("lateErrorType")) {
    closed.answer.late_error_type = object.at("lateErrorType").get<std::string>();
  }
  closed.answer.failed = object.value("failed", false);
  closed.answer.repeated = object.value("repeated", false);
  return closed;
}

TaskStates decode_states(const Json& object) {
  TaskStates states{object.at("query").get<std::uint64_t>(), object.at("last").get<bool>(), {}};
  for (const Json& task : object.at("tasks")) {
    states.tasks.push_back({task.at("id").get<std::string>(),
                            task.at("name").get<std::string>(),
                            task.at("state").get<std::string>(),
                            task.at("attempt").get<int>()});
  }
  return states;
}

Reenter decode_reenter(const Json& object) {
  Reenter reenter{.key = key_of(object),
                  .request_id = object.at("attemptId").get<std::string>(),
                  .deadline = time_of(object, "deadlineMs"),
                  .function_arn = object.at("functionArn").get<std::string>(),
                  .trace_id = object.at("traceId").get<std::string>(),
                  .tenant_id = std::nullopt,
                  .cognito_identity = object.at("cognitoIdentity").get<std::string>(),
                  .client_context = object.at("clientContext").get<std::string>(),
                  .event_bytes = object.at("eventBytes").get<std::uint64_t>(),
                  .depth = object.at("depth").get<int>()};
  if (object.contains("tenantId")) {
    reenter.tenant_id = object.at("tenantId").get<std::string>();
  }
  return reenter;
}

/// Of one process's life; nothing for any other type.
std::optional<Message> decode_process_message(const std::string& type, const Json& object) {
  if (type == "replayed") {
    return Replayed{object.at("carried").get<int>(), object.at("carriedHandlers").get<int>()};
  }
  if (type == "registered") {
    return Registered{object.at("accepted").get<bool>(),
                      object.at("identifier").get<std::string>(),
                      object.at("reason").get<std::string>(),
                      object.at("nameTaken").get<bool>(),
                      object.at("hearsShutdown").get<bool>()};
  }
  if (type == "ping") {
    return Ping{object.at("number").get<std::uint64_t>()};
  }
  if (type == "pong") {
    return Pong{object.at("number").get<std::uint64_t>()};
  }
  if (type == "shutDown") {
    return ShutDown{time_of(object, "deadlineMs")};
  }
  if (type == "runtimeGone") {
    return RuntimeGone{};
  }
  if (type == "empty") {
    return Empty{};
  }
  if (type == "restored") {
    return Restored{};
  }
  return std::nullopt;
}

/// Of the handler lane; nothing for any other type.
std::optional<Message> decode_handler_message(const std::string& type, const Json& object) {
  if (type == "idle") {
    return Idle{key_of(object)};
  }
  if (type == "handlersDone") {
    return HandlersDone{key_of(object)};
  }
  if (type == "reenter") {
    return decode_reenter(object);
  }
  if (type == "handlerEnded") {
    return HandlerEnded{object.at("attemptId").get<std::string>(),
                        object.at("trouble").get<std::string>()};
  }
  return std::nullopt;
}

Result<Message> decode_object(const Json& object) {
  const auto type = object.at("type").get<std::string>();
  if (type == "hello") {
    return decode_hello(object);
  }
  if (type == "answered") {
    return Answered{key_of(object), time_of(object, "workDeadlineMs")};
  }
  if (type == "accepted") {
    return Accepted{key_of(object),
                    object.at("record").get<std::string>(),
                    object.at("id").get<std::string>(),
                    object.at("atOnce").get<bool>()};
  }
  if (type == "dropped") {
    return Dropped{key_of(object),
                   object.at("id").get<std::string>(),
                   object.at("name").get<std::string>(),
                   object.at("why").get<std::string>()};
  }
  if (type == "closed") {
    return decode_closed(object);
  }
  if (type == "settled") {
    return Settled{
        key_of(object), object.at("carried").get<int>(), object.at("carriedHandlers").get<int>()};
  }
  if (type == "inspect") {
    return Inspect{key_of(object), object.at("query").get<std::uint64_t>()};
  }
  if (type == "taskStates") {
    return decode_states(object);
  }
  if (auto message = decode_handler_message(type, object)) {
    return std::move(*message);
  }
  if (auto message = decode_process_message(type, object)) {
    return std::move(*message);
  }
  return fail(fmt::format("unknown message type \"{}\"", type));
}

}  // namespace

Result<Message> decode(std::string_view packet) {
  if (auto message = read_written(packet)) {
    return std::move(*message);
  }
  const auto parsed = parse_json(packet);
  if (!parsed) {
    return tl::unexpected(parsed.error());
  }
  try {
    return decode_object(*parsed);
  } catch (const nlohmann::json::exception& problem) {
    return fail(fmt::format("message: {}", problem.what()));
  }
}

}  // namespace postlude
