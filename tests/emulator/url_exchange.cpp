#include "tests/emulator/url_exchange.h"

#include "common/http_head.h"
#include "tests/emulator/invocation_request.h"
#include "tests/emulator/limits.h"
#include "tests/emulator/url_result.h"

#include <nlohmann/json.hpp>

#include <poll.h>

#include <chrono>
#include <optional>
#include <utility>

namespace postlude::emulator {
namespace {

/// Made up, in the form of the real ones.
constexpr const char* kApiId = "emulatedemulatedemulatedemulated";

UrlRequest request_of(const HttpHead& head) {
  UrlRequest request;
  request.method = head.method();
  request.target = head.target();
  FieldCursor cursor(head.field_lines());
  while (const auto field = cursor.next()) {
    request.headers.emplace_back(field->name, field->value);
  }
  return request;
}

HttpAnswer too_large() {
  HttpAnswer answer;
  answer.status = 413;
  answer.body =
      R"({"Message":"Request must be smaller than 6291556 bytes for the InvokeFunction operation"})";
  return answer;
}

}  // namespace

bool UrlExchange::serve(std::string_view bytes) {
  UrlRequest request = request_of(HttpHead(bytes));
  method_ = request.method;
  while (true) {
    const auto piece = connection_.read_body();
    if (!piece) {
      return false;
    }
    if (!*piece) {
      break;
    }
    request.body.append(**piece);
    if (request.body.size() > kMaxBufferedBytes) {
      static_cast<void>(connection_.write(whole_answer(too_large())));
      connection_.close_gently();
      return false;
    }
  }
  const auto invocation = make_invocation(request);
  request_id_ = invocation->request().request_id;
  trace_id_ = invocation->request().trace_id;
  world_.journal.record("callerArrived", {{"requestId", request_id_}, {"by", "url"}});
  switch (world_.fleet.admit(invocation)) {
    case Fleet::Admission::throttled:
      world_.journal.record("throttled", {{"requestId", request_id_}});
      return send(url_throttled());
    case Fleet::Admission::failed:
      return send(url_function_error());
    case Fleet::Admission::admitted:
      break;
  }
  return invocation->wait_answer() == Invocation::Answer::whole ? answer_whole(*invocation)
                                                                : answer_stream(*invocation);
}

std::shared_ptr<Invocation> UrlExchange::make_invocation(const UrlRequest& request) const {
  std::string trace;
  for (const auto& [name, value] : request.headers) {
    if (equal_ignoring_case(name, "X-Amzn-Trace-Id")) {
      trace = value;
    }
  }
  const bool streams = world_.options.url_mode == UrlMode::stream;
  InvocationRequest wanted =
      new_request(world_.options, trace, streams ? CallerMode::streamed : CallerMode::buffered);
  const auto time = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::system_clock::now().time_since_epoch());
  wanted.payload = url_event(request,
                             {.api_id = kApiId,
                              .region = world_.options.region,
                              .request_id = new_uuid(),
                              .trace_id = wanted.trace_id,
                              .time_ms = time.count()});
  return std::make_shared<Invocation>(std::move(wanted));
}

bool UrlExchange::answer_whole(Invocation& invocation) {
  const WholeResult result = invocation.take_whole();
  if (world_.options.url_mode == UrlMode::buffered) {
    return send(buffered_url_answer(result));
  }
  if (result.failure) {
    return send(url_function_error());
  }
  // A result that was not streamed is not interpreted either; a prelude is, by its content type.
  HttpAnswer answer;
  answer.content_type = result.content_type;
  answer.body = result.body;
  if (has_prelude(result.content_type)) {
    PreludeParser parser;
    if (parser.feed(result.body) != PreludeParser::State::complete) {
      return send(url_function_error());
    }
    answer = parser.answer();
    answer.body = parser.rest();
  }
  return send(std::move(answer));
}

bool UrlExchange::answer_stream(Invocation& invocation) {
  if (world_.options.shaping == Shaping::on) {
    meter_.emplace(Bandwidth::Clock::now());
  }
  const Relay end = has_prelude(invocation.stream_content_type()) ? relay_with_prelude(invocation)
                                                                  : relay_plain(invocation);
  if (end == Relay::cut && !head_sent_) {
    return send(url_function_error());
  }
  if (end == Relay::caller_left) {
    // The function is not interrupted.
    invocation.caller_left();
    answered("callerLeft");
    return false;
  }
  if (end == Relay::cut) {
    answered("cut");
    return false;  // without a last chunk: the caller sees a cut body
  }
  const bool sent = connection_.write("0\r\n\r\n").has_value();
  answered("stream");
  return sent && !connection_.close_after();
}

UrlExchange::Relay UrlExchange::relay_plain(Invocation& invocation) {
  HttpAnswer answer;
  answer.content_type = invocation.stream_content_type();
  std::string bytes;
  const Invocation::Piece first = invocation.read(bytes);
  if (first == Invocation::Piece::cut) {
    return Relay::cut;
  }
  if (const Relay opened = open_stream(std::move(answer)); opened != Relay::done) {
    return opened;
  }
  return first == Invocation::Piece::end ? Relay::done : relay_rest(invocation, std::move(bytes));
}

UrlExchange::Relay UrlExchange::relay_with_prelude(Invocation& invocation) {
  PreludeParser parser;
  std::string bytes;
  while (invocation.read(bytes) == Invocation::Piece::bytes) {
    const PreludeParser::State state = parser.feed(bytes);
    if (state == PreludeParser::State::invalid) {
      invocation.caller_left();  // what follows is of no use, and the function may go on
      return Relay::cut;
    }
    if (state == PreludeParser::State::complete) {
      const Relay opened = open_stream(parser.answer());
      return opened == Relay::done ? relay_rest(invocation, parser.rest()) : opened;
    }
  }
  return Relay::cut;
}

UrlExchange::Relay UrlExchange::open_stream(HttpAnswer answer) {
  add_ids(answer);
  head_sent_ = true;
  return connection_.write(answer_head(answer, BodyFraming::chunked)) ? Relay::done
                                                                      : Relay::caller_left;
}

UrlExchange::Relay UrlExchange::relay_rest(Invocation& invocation, std::string bytes) {
  while (true) {
    if (const Relay sent = send_shaped(bytes); sent != Relay::done) {
      return sent;
    }
    switch (invocation.read(bytes)) {
      case Invocation::Piece::bytes:
        break;
      case Invocation::Piece::end:
        return Relay::done;
      case Invocation::Piece::cut:
        return Relay::cut;
    }
  }
}

UrlExchange::Relay UrlExchange::send_shaped(std::string_view bytes) {
  while (!bytes.empty()) {
    const std::size_t size =
        meter_ ? meter_->take(bytes.size(), Bandwidth::Clock::now()) : bytes.size();
    if (size == 0) {
      ::poll(nullptr, 0, static_cast<int>(Bandwidth::kRefill.count()));
      continue;
    }
    if (method_ != "HEAD" && !connection_.write(chunk_of(bytes.substr(0, size)))) {
      return Relay::caller_left;
    }
    bytes.remove_prefix(size);
  }
  return Relay::done;
}

void UrlExchange::add_ids(HttpAnswer& answer) const {
  answer.headers.emplace_back("x-amzn-RequestId", request_id_);
  answer.headers.emplace_back("X-Amzn-Trace-Id", trace_id_);
  answer.headers.emplace_back("Connection", connection_.close_after() ? "close" : "keep-alive");
}

bool UrlExchange::send(HttpAnswer answer) {
  add_ids(answer);
  const std::string bytes =
      method_ == "HEAD" ? answer_head(answer, BodyFraming::length) : whole_answer(answer);
  const bool sent = connection_.write(bytes).has_value();
  answered("whole");
  return sent && !connection_.close_after();
}

void UrlExchange::answered(const char* how) const {
  world_.journal.record("callerAnswered",
                        {{"requestId", request_id_}, {"by", "url"}, {"how", how}});
}

}  // namespace postlude::emulator
