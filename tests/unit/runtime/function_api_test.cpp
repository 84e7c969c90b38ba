#include "runtime/function_api.h"

#include "common/http_framing.h"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <string>

namespace postlude::runtime {
namespace {

/// The answer's parts; fails the test if it is not one whole message.
struct Answer {
  explicit Answer(const std::string& message) {
    HttpFraming framing(MessageKind::response);
    const FramingStep head = framing.next(message);
    REQUIRE(head.event == FramingEvent::head);
    const FramingStep payload = framing.next(std::string_view(message).substr(head.consumed));
    REQUIRE(payload.event == FramingEvent::payload);
    REQUIRE(head.consumed + payload.consumed == message.size());
    REQUIRE(framing.next("").event == FramingEvent::end);
    status = HttpHead(message).status();
    type = HttpHead(message).find("content-type").value_or("");
    body = nlohmann::json::parse(message.substr(head.consumed));
  }

  int status = 0;
  std::string type;
  nlohmann::json body;
};

LocalAnswer call(std::string_view request_line,
                 std::string_view fields = "",
                 ExtensionHealth health = ExtensionHealth::running) {
  const std::string head = fmt::format("{}\r\n{}\r\n", request_line, fields);
  return answer_function_call(HttpHead(head), health);
}

TEST_CASE("health says how the extension is") {
  const auto word = [](ExtensionHealth health) {
    const Answer answer(call("GET /postlude/v1/health HTTP/1.1", "", health).message);
    CHECK(answer.status == 200);
    CHECK(answer.type == "application/json");
    CHECK(answer.body.at("status") == "ok");
    CHECK(answer.body.at("version") == POSTLUDE_VERSION);
    return answer.body.at("extension").get<std::string>();
  };
  CHECK(word(ExtensionHealth::running) == "running");
  CHECK(word(ExtensionHealth::restarting) == "restarting");
  CHECK(word(ExtensionHealth::unavailable) == "unavailable");
}

TEST_CASE("a query string or an absolute target changes nothing") {
  CHECK(Answer(call("GET /postlude/v1/health?x=1 HTTP/1.1").message).status == 200);
  CHECK(Answer(call("GET http://127.0.0.1:1/postlude/v1/health HTTP/1.1").message).status == 200);
}

TEST_CASE("every other route is not found, with an error that names it") {
  for (const auto* line : {"POST /postlude/v1/health HTTP/1.1",
                           "GET /postlude/v1/ HTTP/1.1",
                           "GET /postlude/v2/health HTTP/1.1",
                           "GET /postlude HTTP/1.1"}) {
    CAPTURE(line);
    const Answer answer(call(line).message);
    CHECK(answer.status == 404);
    CHECK(answer.body.at("error").at("type") == "UnknownRoute");
    const auto message = answer.body.at("error").at("message").get<std::string>();
    CHECK(message.find("/postlude") != std::string::npos);
  }
}

TEST_CASE("a target that is no text is answered all the same") {
  const Answer answer(call("GET /postlude/\xff\x80\"\\ HTTP/1.1").message);
  CHECK(answer.status == 404);
}

TEST_CASE("HEAD gets the head alone") {
  const std::string head = call("HEAD /postlude/v1/health HTTP/1.1").message;
  const std::string whole = call("GET /postlude/v1/health HTTP/1.1").message;
  CHECK(head.ends_with("\r\n\r\n"));
  CHECK(whole.starts_with(head));
}

TEST_CASE("it knows who expects the end of the connection, and who waits for leave to send") {
  constexpr std::string_view kLine = "GET /postlude/v1/health HTTP/1.1";
  CHECK_FALSE(call(kLine).closes);
  CHECK(call(kLine, "Connection: Close\r\n").closes);
  CHECK(call("GET /postlude/v1/health HTTP/1.0").closes);
  CHECK_FALSE(call("GET /postlude/v1/health HTTP/1.0", "connection: keep-alive\r\n").closes);
  CHECK_FALSE(call(kLine).wants_continue);
  CHECK(call(kLine, "Expect: 100-Continue\r\n").wants_continue);
}

TEST_CASE("an early answer goes up with the function's own fields under the Runtime API's path") {
  const std::string head =
      "POST /postlude/v1/invocations/current/response HTTP/1.0\r\nhost: a\r\nX-One: 1\r\n"
      "Connection: close\r\nexpect: 100-continue\r\nx-one: 2\r\nContent-Length: 2\r\n\r\n";
  CHECK(early_answer_head(HttpHead(head), "id-1", "") ==
        "POST /2018-06-01/runtime/invocation/id-1/response HTTP/1.1\r\nhost: a\r\nX-One: 1\r\n"
        "x-one: 2\r\nContent-Length: 2\r\n\r\n");
  CHECK(early_answer_head(HttpHead("POST / HTTP/1.1\r\n\r\n"), "id", "attempt") ==
        "POST /2018-06-01/runtime/invocation/id/response HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        "Lambda-Runtime-Invocation-Id: attempt\r\n\r\n");
  const std::string own =
      "POST / HTTP/1.1\r\nHost: x\r\nlambda-runtime-invocation-id: mine\r\n\r\n";
  CHECK(early_answer_head(HttpHead(own), "id", "attempt").find("attempt") == std::string::npos);
}

TEST_CASE("the platform's word on an early answer is told in the words of the local API") {
  CHECK(Answer(early_answer_result(202)).status == 202);
  const auto told = [](int status) {
    const Answer answer(early_answer_result(status));
    CHECK_FALSE(answer.body.at("error").at("message").get<std::string>().empty());
    return answer.status;
  };
  CHECK(told(400) == 400);
  CHECK(told(403) == 409);
  CHECK(told(410) == 404);
  CHECK(told(413) == 413);
  CHECK(told(500) == 503);
  CHECK(told(0) == 503);
}

}  // namespace
}  // namespace postlude::runtime
