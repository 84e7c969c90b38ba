#include "common/json_text.h"
#include "tests/emulator/error_types.h"
#include "tests/emulator/json_log_lines.h"
#include "tests/emulator/runtime_api.h"
#include "tests/emulator/telemetry.h"

#include <nlohmann/json.hpp>

#include <utility>

namespace postlude::emulator {
namespace {

constexpr std::size_t kMaxBody = std::size_t{1} << 20;
constexpr const char* kIdentifier = "Lambda-Extension-Identifier";

std::variant<std::string, HttpAnswer> small_body(const ApiRequest& request) {
  auto body = read_whole_body(request, kMaxBody);
  if (auto* text = std::get_if<std::string>(&body)) {
    return std::move(*text);
  }
  return refusal_answer(payload_too_large());
}

bool register_extension(const ApiRequest& request) {
  auto body = small_body(request);
  if (const auto* refused = std::get_if<HttpAnswer>(&body)) {
    return reply_and_close(request, *refused);
  }
  const auto registered = request.generation->register_extension(
      {.name = request.header("Lambda-Extension-Name").value_or(""),
       .body = std::get<std::string>(std::move(body)),
       .id = new_uuid()});
  if (const auto* refusal = std::get_if<Refusal>(&registered)) {
    return reply(request, refusal_answer(*refusal));
  }
  nlohmann::ordered_json about = {{"functionName", request.settings.function_name},
                                  {"functionVersion", "$LATEST"},
                                  {"handler", request.settings.handler}};
  if (request.head.has_token("Lambda-Extension-Accept-Feature", "accountId")) {
    about["accountId"] = request.settings.account_id;
  }
  HttpAnswer answer;
  answer.headers.emplace_back(kIdentifier, std::get<Extension>(registered).id);
  answer.body = about.dump();
  return reply(request, answer);
}

bool poll_event(const ApiRequest& request) {
  const auto polled = request.generation->extension_polls(request.header(kIdentifier));
  if (const auto* refusal = std::get_if<Refusal>(&polled)) {
    return drop_body_and_reply(request, refusal_answer(*refusal));
  }
  const auto& extension = std::get<Extension>(polled);
  bool usable = false;
  const ParkEnd end = park(request, [&] {
    const auto taken = request.generation->take_extension_event(extension.id);
    if (const auto* event = std::get_if<std::string>(&taken)) {
      HttpAnswer answer;
      answer.headers.emplace_back("Lambda-Extension-Event-Identifier", new_uuid());
      answer.body = *event;
      usable = reply(request, answer);
      return Attempt::served;
    }
    return std::holds_alternative<PollsClosed>(taken) ? Attempt::closed : Attempt::nothing;
  });
  if (end == ParkEnd::gone) {
    request.generation->extension_poll_gone(extension);
  }
  return end == ParkEnd::served && usable;
}

bool report_error(const ApiRequest& request, const char* failure_type) {
  auto body = small_body(request);
  if (const auto* refused = std::get_if<HttpAnswer>(&body)) {
    return reply_and_close(request, *refused);
  }
  constexpr int kRefusedStatus = 403;
  if (!request.header("Lambda-Extension-Function-Error-Type")) {
    return reply(request,
                 refusal_answer({kRefusedStatus,
                                 "Extension.MissingHeader",
                                 "Missing Lambda-Extension-Function-Error-Type header"}));
  }
  const auto known = request.generation->extension_error(request.header(kIdentifier),
                                                         {failure_type, "exit code 0", {}});
  if (const auto* refusal = std::get_if<Refusal>(&known)) {
    return reply(request, refusal_answer(*refusal));
  }
  return reply(request, accepted());
}

bool subscribe_telemetry(const ApiRequest& request) {
  auto body = small_body(request);
  if (const auto* refused = std::get_if<HttpAnswer>(&body)) {
    return reply_and_close(request, *refused);
  }
  const auto known = request.generation->telemetry_subscriber(request.header(kIdentifier));
  if (const auto* refusal = std::get_if<Refusal>(&known)) {
    return reply(request, refusal_answer(*refusal));
  }
  const auto wanted = parse_telemetry_subscription(
      std::get<std::string>(body),
      request.generation->managed() ? ExtensionRules::managed : ExtensionRules::on_demand);
  if (const auto* refusal = std::get_if<Refusal>(&wanted)) {
    return reply(request, refusal_answer(*refusal));
  }
  const std::string& name = std::get<Extension>(known).name;
  const auto& subscription = std::get<TelemetrySubscription>(wanted);
  Telemetry& telemetry = *request.settings.telemetry;
  telemetry.subscribe(name, subscription);
  telemetry.publish(TelemetrySource::platform, json_telemetry_subscription(name, subscription));
  HttpAnswer answer;
  answer.body = "\"OK\"";
  return reply(request, answer);
}

/// Superseded by the Telemetry API.
bool refuse_logs(const ApiRequest& request) {
  HttpAnswer answer = accepted();
  answer.body = dump_json({{"errorMessage", "Logs API is not supported"},
                           {"errorType", "Logs.NotSupported"}}) +
                "\n";
  return drop_body_and_reply(request, answer);
}

}  // namespace

bool serve_extensions_api(const ApiRequest& request) {
  const bool post = request.head.method() == "POST";
  if (post && request.path == "/2020-01-01/extension/register") {
    return register_extension(request);
  }
  if (request.head.method() == "GET" && request.path == "/2020-01-01/extension/event/next") {
    return poll_event(request);
  }
  if (post && request.path == "/2020-01-01/extension/init/error") {
    return report_error(request, "Extension.InitError");
  }
  if (post && request.path == "/2020-01-01/extension/exit/error") {
    return report_error(request, "Extension.ExitError");
  }
  const bool put = request.head.method() == "PUT";
  if (put && request.path == "/2022-07-01/telemetry") {
    return subscribe_telemetry(request);
  }
  if (put && request.path == "/2020-08-15/logs" && !request.generation->managed()) {
    return refuse_logs(request);
  }
  return drop_body_and_reply(request, not_found());
}

}  // namespace postlude::emulator
