#include "common/extensions_protocol.h"

#include <doctest/doctest.h>

namespace postlude {

TEST_CASE("the registration asks for INVOKE alone, under the internal name") {
  CHECK(register_request("127.0.0.1:9001") ==
        "POST /2020-01-01/extension/register HTTP/1.1\r\n"
        "Host: 127.0.0.1:9001\r\n"
        "Lambda-Extension-Name: postlude-extension\r\n"
        "Content-Type: application/json\r\n"
        "Content-Length: 21\r\n"
        "\r\n"
        R"({"events":["INVOKE"]})");
}

TEST_CASE("the poll carries the identifier") {
  CHECK(next_event_request("h:1", "0d0ce0a5") ==
        "GET /2020-01-01/extension/event/next HTTP/1.1\r\n"
        "Host: h:1\r\n"
        "Lambda-Extension-Identifier: 0d0ce0a5\r\n"
        "\r\n");
}

TEST_CASE("an INVOKE event tells request id and deadline") {
  const auto event = parse_event(
      R"({"eventType":"INVOKE","deadlineMs":1775516174092,"requestId":"7b3f","tracing":{}})");
  REQUIRE(event);
  CHECK(event->kind == PlatformEvent::Kind::invoke);
  CHECK(event->request_id == "7b3f");
  CHECK(epoch_ms(event->deadline) == 1775516174092);
}

TEST_CASE("a SHUTDOWN event has no request id") {
  const auto event =
      parse_event(R"({"eventType":"SHUTDOWN","deadlineMs":5,"shutdownReason":"SPINDOWN"})");
  REQUIRE(event);
  CHECK(event->kind == PlatformEvent::Kind::shutdown);
}

TEST_CASE("an event that cannot be understood is an error, not a guess") {
  for (const char* body : {"",
                           "nonsense",
                           "[]",
                           "{}",
                           R"({"eventType":"REBOOT"})",
                           R"({"eventType":"INVOKE"})",
                           R"({"eventType":7})",
                           R"({"eventType":"INVOKE","requestId":null})"}) {
    CAPTURE(body);
    CHECK_FALSE(parse_event(body));
  }
}

TEST_CASE("a refusal is described in the platform's words where it has some") {
  CHECK(
      describe_refusal(
          403,
          R"({"errorMessage":"Extension registration closed already","errorType":"Extension.RegistrationClosed"})") ==
      "403 Extension.RegistrationClosed: Extension registration closed already");
  CHECK(describe_refusal(500, "<html>") == "500");
  CHECK(describe_refusal(500, "[]") == "500");
}

}  // namespace postlude
