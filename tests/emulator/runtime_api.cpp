#include "tests/emulator/runtime_api.h"

#include "tests/emulator/answer_body.h"
#include "tests/emulator/error_types.h"
#include "tests/emulator/limits.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>

namespace postlude::emulator {
namespace {

constexpr std::string_view kInvocationPrefix = "/2018-06-01/runtime/invocation/";
HttpAnswer event_head(const RuntimeEvent& event) {
  const InvocationRequest& request = event.invocation->request();
  HttpAnswer answer;
  const auto add = [&](const char* name, const std::string& value) {
    if (!value.empty()) {
      answer.headers.emplace_back(name, value);
    }
  };
  add("Lambda-Runtime-Aws-Request-Id", request.request_id);
  add("Lambda-Runtime-Deadline-Ms", std::to_string(event.deadline_ms));
  add("Lambda-Runtime-Invoked-Function-Arn", request.function_arn);
  add("Lambda-Runtime-Trace-Id", request.trace_id);
  add("Lambda-Runtime-Client-Context", request.client_context);
  add("Lambda-Runtime-Aws-Tenant-Id", request.tenant_id);
  add("Lambda-Runtime-Invocation-Id", request.attempt_id);
  answer.body = request.payload;
  return answer;
}

std::string body_chunks(std::string_view body) {
  constexpr std::size_t kChunk = std::size_t{16} << 10;
  std::string chunks;
  for (std::size_t at = 0; at < body.size(); at += kChunk) {
    chunks += chunk_of(body.substr(at, kChunk));
  }
  return chunks + "0\r\n\r\n";
}

bool write_event(const ApiRequest& request, const RuntimeEvent& event) {
  const HttpAnswer answer = event_head(event);
  const bool chunked = request.settings.event_framing == EventFraming::chunked;
  const std::string head =
      answer_head(answer, chunked ? BodyFraming::chunked : BodyFraming::length);
  const std::string body = chunked ? body_chunks(answer.body) : answer.body;
  if (const auto bytes = request.strikes(Fault::cut_event, "cutEvent")) {
    // One byte less than all at most, else nothing would be cut.
    const std::size_t most = body.empty() ? 0 : body.size() - 1;
    static_cast<void>(request.connection.write(head + body.substr(0, std::min(*bytes, most))));
    request.connection.shut();
    return false;
  }
  return request.connection.write(head + body).has_value();
}

bool poll_next(const ApiRequest& request) {
  if (const auto refusal = request.generation->runtime_polls()) {
    return drop_body_and_reply(request, refusal_answer(*refusal));
  }
  bool written = true;
  const ParkEnd end = park(request, [&] {
    auto taken = request.generation->take_runtime_event();
    if (const auto* event = std::get_if<RuntimeEvent>(&taken)) {
      written = write_event(request, *event);
      if (!written) {
        request.generation->give_back_runtime_event();
      }
      return Attempt::served;
    }
    return std::holds_alternative<PollsClosed>(taken) ? Attempt::closed : Attempt::nothing;
  });
  if (end == ParkEnd::gone) {
    request.generation->record("pollerGone", {{"of", "runtime"}});
  }
  return end == ParkEnd::served && written && !request.connection.close_after();
}

/// On Managed Instances: the poll is an idle worker until an invocation is its.
bool poll_as_worker(const ApiRequest& request) {
  const bool has_body = request.header("Transfer-Encoding").has_value() ||
                        request.header("Content-Length").value_or("0") != "0";
  if (has_body) {
    return drop_body_and_reply(request, refusal_answer(payload_too_large()));
  }
  const auto worker = request.generation->worker_polls();
  std::optional<RuntimeEvent> lost;
  const ParkEnd end = park(request, [&] {
    auto taken = request.generation->take_worker_event(worker);
    if (const auto* event = std::get_if<RuntimeEvent>(&taken)) {
      if (!write_event(request, *event)) {
        lost = *event;
      }
      return Attempt::served;
    }
    return std::holds_alternative<PollsClosed>(taken) ? Attempt::closed : Attempt::nothing;
  });
  if (end == ParkEnd::gone || lost) {
    request.generation->worker_gone(worker, lost);
  }
  return end == ParkEnd::served && !lost && !request.connection.close_after();
}

bool poll_restore(const ApiRequest& request) {
  if (request.settings.init_type != InitType::snap_start) {
    return drop_body_and_reply(request, not_found());
  }
  if (const auto refusal = request.generation->runtime_polls_restore()) {
    return drop_body_and_reply(request, refusal_answer(*refusal));
  }
  const ParkEnd end = park(request, [&] {
    const auto taken = request.generation->take_restored();
    if (std::holds_alternative<Restored>(taken)) {
      return Attempt::served;
    }
    return std::holds_alternative<PollsClosed>(taken) ? Attempt::closed : Attempt::nothing;
  });
  return end == ParkEnd::served && reply(request, HttpAnswer{});
}

bool post_init_error(const ApiRequest& request) {
  auto body = read_whole_body(request, kMaxErrorBytes);
  if (std::holds_alternative<BodyTooLarge>(body)) {
    return reply_and_close(request, refusal_answer(payload_too_large()));
  }
  if (std::holds_alternative<BodyCut>(body)) {
    return false;
  }
  const auto type = clean_error_type(
      request.header("Lambda-Runtime-Function-Error-Type").value_or(std::string()));
  const auto refusal = request.generation->runtime_init_error(
      {type, "Runtime reported an init error", std::get<std::string>(std::move(body))});
  return reply(request, refusal ? refusal_answer(*refusal) : accepted());
}

bool give_credentials(const ApiRequest& request) {
  const ApiSettings& settings = request.settings;
  if (settings.init_type != InitType::snap_start ||
      request.header("Authorization") != settings.credentials_token) {
    return drop_body_and_reply(request, not_found());
  }
  HttpAnswer answer;
  answer.body = credentials_document(settings.access_keys, std::chrono::system_clock::now());
  return drop_body_and_reply(request, answer);
}

AnswerIds answer_ids(const ApiRequest& request, std::string_view id) {
  return {std::string(id), request.header("Lambda-Runtime-Invocation-Id")};
}

bool serve_invocation(const ApiRequest& request) {
  std::string_view rest = request.path.substr(kInvocationPrefix.size());
  const std::size_t slash = rest.find('/');
  const std::string_view id = rest.substr(0, slash);
  const std::string_view action = slash == std::string_view::npos ? "" : rest.substr(slash);
  const bool post = request.head.method() == "POST";
  if (post && action == "/response") {
    return take_response(request, answer_ids(request, id));
  }
  if (post && action == "/error") {
    return take_error(request, answer_ids(request, id));
  }
  return drop_body_and_reply(request, not_found());
}

}  // namespace

bool serve_runtime_api(const ApiRequest& request) {
  const bool get = request.head.method() == "GET";
  const bool post = request.head.method() == "POST";
  if (get && request.path == "/2018-06-01/ping") {
    HttpAnswer pong;
    pong.content_type = "text/plain; charset=utf-8";
    pong.body = "pong";
    return drop_body_and_reply(request, pong);
  }
  if (get && request.path == "/2018-06-01/runtime/invocation/next") {
    return request.generation->managed() ? poll_as_worker(request) : poll_next(request);
  }
  if (get && request.path == kCredentialsPath) {
    return give_credentials(request);
  }
  if (post && request.path == "/2018-06-01/runtime/init/error") {
    return post_init_error(request);
  }
  if (get && request.path == "/2018-06-01/runtime/restore/next") {
    return poll_restore(request);
  }
  if (post && request.path == "/2018-06-01/runtime/restore/error" &&
      request.settings.init_type == InitType::snap_start) {
    return post_init_error(request);
  }
  if (request.path.starts_with(kInvocationPrefix)) {
    return serve_invocation(request);
  }
  return drop_body_and_reply(request, not_found());
}

}  // namespace postlude::emulator
