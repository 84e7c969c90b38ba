#include "common/extensions_protocol.h"

#include <doctest/doctest.h>

namespace postlude {

TEST_CASE("the internal extension registers for INVOKE alone") {
  CHECK(register_request("127.0.0.1:9001", kInternalName, Subscription::invoke) ==
        "POST /2020-01-01/extension/register HTTP/1.1\r\n"
        "Host: 127.0.0.1:9001\r\n"
        "Lambda-Extension-Name: postlude-extension\r\n"
        "Content-Type: application/json\r\n"
        "Content-Length: 21\r\n"
        "\r\n"
        R"({"events":["INVOKE"]})");
}

TEST_CASE("the external extension registers under its file's name, for what it asks") {
  const auto ends_with = [](Subscription events, const char* body) {
    return register_request("h:1", kExternalName, events).ends_with(body);
  };
  CHECK(register_request("h:1", kExternalName, Subscription::none)
            .find("Lambda-Extension-Name: postlude\r\n") != std::string::npos);
  CHECK(ends_with(Subscription::none, "Content-Length: 13\r\n\r\n{\"events\":[]}"));
  CHECK(ends_with(Subscription::shutdown, "\r\n{\"events\":[\"SHUTDOWN\"]}"));
  CHECK(ends_with(Subscription::invoke_and_shutdown, "\r\n{\"events\":[\"INVOKE\",\"SHUTDOWN\"]}"));
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

TEST_CASE("a SHUTDOWN event has a deadline and a reason, and no request id") {
  const auto event =
      parse_event(R"({"eventType":"SHUTDOWN","deadlineMs":5,"shutdownReason":"SPINDOWN"})");
  REQUIRE(event);
  CHECK(event->kind == PlatformEvent::Kind::shutdown);
  CHECK(event->shutdown_reason == "SPINDOWN");
  CHECK(epoch_ms(event->deadline) == 5);
  const auto bare = parse_event(R"({"eventType":"SHUTDOWN"})");
  REQUIRE(bare);
  CHECK(bare->deadline == EpochTime());
  CHECK(bare->shutdown_reason.empty());
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
