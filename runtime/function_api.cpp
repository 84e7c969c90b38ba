#include "runtime/function_api.h"

#include "common/json_text.h"
#include "runtime/exchange.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <array>
#include <vector>

namespace postlude::runtime {
namespace {

constexpr std::string_view kInvocationId = "Lambda-Runtime-Invocation-Id";

std::string_view reason_of(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 202:
      return "Accepted";
    case 400:
      return "Bad Request";
    case 404:
      return "Not Found";
    case 409:
      return "Conflict";
    case 413:
      return "Request Entity Too Large";
    default:
      return "Service Unavailable";
  }
}

std::string message(std::string_view method, int status, std::string_view body) {
  const std::string length = fmt::format("{}", body.size());
  const std::array<HeaderField, 2> fields = {
      HeaderField{"Content-Type", "application/json"},
      HeaderField{"Content-Length", length},
  };
  std::string text = write_head(fmt::format("HTTP/1.1 {} {}", status, reason_of(status)), fields);
  return method == "HEAD" ? text : text.append(body);
}

std::string error_message(std::string_view method, const ApiError& error) {
  const nlohmann::json body = {{"error", {{"type", error.type}, {"message", error.message}}}};
  return message(method, error.status, dump_json(body) + "\n");
}

std::string accepted_message() {
  return message("POST", 202, "{\"status\":\"OK\"}\n");
}

std::string_view health_word(ExtensionHealth health) {
  switch (health) {
    case ExtensionHealth::running:
      return "running";
    case ExtensionHealth::restarting:
      return "restarting";
    case ExtensionHealth::unavailable:
      break;
  }
  return "unavailable";
}

std::string answer_to(std::string_view method, std::string_view target, ExtensionHealth extension) {
  const bool reads = method == "GET" || method == "HEAD";
  if (reads && path_of(target) == "/postlude/v1/health") {
    const nlohmann::json health = {
        {"status", "ok"}, {"version", POSTLUDE_VERSION}, {"extension", health_word(extension)}};
    return message(method, 200, dump_json(health) + "\n");
  }
  return error_message(method,
                       {404,
                        "UnknownRoute",
                        fmt::format("{} {} is not a route; below /postlude/v1 there are GET "
                                    "/health, GET /invocations/{{id}}, POST "
                                    "/invocations/{{id}}/response and POST "
                                    "/invocations/{{id}}/tasks",
                                    method,
                                    target)});
}

/// Of the refusals of an early answer (lambda-protocol.md 1.3, 1.5, 1.9).
ApiError refusal_of(int status) {
  switch (status) {
    case 400:
      return {400, "InvalidAnswer", "the platform does not understand this answer"};
    case 403:
      return {409, "AlreadyAnswered", "the platform has an answer of this invocation"};
    case 410:
      return {404, "UnknownInvocation", "the invocation has timed out"};
    case 413:
      return {413,
              "AnswerTooLarge",
              "the platform takes at most 6 MiB as a buffered answer; the caller gets an error"};
    default:
      break;
  }
  return {503,
          "PlatformUnavailable",
          status == 0 ? "the platform did not take the answer: its connection broke"
                      : fmt::format("the platform did not take the answer: status {}", status)};
}

/// Fields that are about the function's connection to us.
bool of_this_hop(std::string_view name) {
  return equal_ignoring_case(name, "Connection") || equal_ignoring_case(name, "Keep-Alive") ||
         equal_ignoring_case(name, "Expect");
}

}  // namespace

LocalAnswer manners_of(const HttpHead& request) {
  return {.message = {},
          .wants_continue = request.has_token("Expect", "100-continue"),
          .closes =
              request.has_token("Connection", "close") ||
              (request.version() == "HTTP/1.0" && !request.has_token("Connection", "keep-alive"))};
}

LocalAnswer answer_function_call(const HttpHead& request, ExtensionHealth extension) {
  LocalAnswer answer = manners_of(request);
  answer.message = answer_to(request.method(), request.target(), extension);
  return answer;
}

LocalAnswer refuse_function_call(const HttpHead& request, const ApiError& error) {
  LocalAnswer answer = manners_of(request);
  answer.message = error_message(request.method(), error);
  return answer;
}

std::string refusal_message(const ApiError& error) {
  return error_message("GET", error);
}

std::string defer_result(const tl::expected<std::string, ApiError>& accepted) {
  return accepted ? message("POST", 202, dump_json({{"id", *accepted}}) + "\n")
                  : refusal_message(accepted.error());
}

std::string inspection_result(const InvocationView& invocation) {
  nlohmann::json tasks = nlohmann::json::array();
  for (const TaskStatus& task : invocation.tasks) {
    tasks.push_back(
        {{"id", task.id}, {"name", task.name}, {"state", task.state}, {"attempt", task.attempt}});
  }
  const nlohmann::json body = {{"requestId", invocation.request_id},
                               {"deadlineMs", epoch_ms(invocation.deadline)},
                               {"remainingMs", remaining(invocation.deadline, now()).count()},
                               {"responded", invocation.responded},
                               {"tasks", std::move(tasks)}};
  return message("GET", 200, dump_json(body) + "\n");
}

LocalAnswer acknowledge_discarded(const HttpHead& request) {
  LocalAnswer answer = manners_of(request);
  answer.message = accepted_message();
  return answer;
}

std::string early_answer_head(const HttpHead& request,
                              std::string_view request_id,
                              std::string_view invocation_id) {
  std::vector<HeaderField> fields;
  bool has_host = false;
  bool has_invocation_id = invocation_id.empty();
  FieldCursor cursor(request.field_lines());
  while (const auto field = cursor.next()) {
    if (!of_this_hop(field->name)) {
      has_host = has_host || equal_ignoring_case(field->name, "Host");
      has_invocation_id = has_invocation_id || equal_ignoring_case(field->name, kInvocationId);
      fields.push_back(*field);
    }
  }
  if (!has_host) {
    fields.push_back({"Host", "127.0.0.1"});
  }
  if (!has_invocation_id) {
    fields.push_back({kInvocationId, invocation_id});
  }
  return write_head(
      fmt::format("POST /2018-06-01/runtime/invocation/{}/response HTTP/1.1", request_id), fields);
}

std::string early_answer_result(int status) {
  constexpr int kAccepted = 202;
  return status == kAccepted ? accepted_message() : error_message("POST", refusal_of(status));
}

}  // namespace postlude::runtime
