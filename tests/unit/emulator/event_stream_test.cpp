#include "tests/emulator/event_stream.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <string>
#include <string_view>

using namespace postlude::emulator;  // NOLINT(google-build-using-namespace)

namespace {

std::string hex(const std::string& bytes) {
  std::string text;
  for (const char byte : bytes) {
    text += fmt::format("{:02x}", static_cast<unsigned char>(byte));
  }
  return text;
}

}  // namespace

// The vectors were decoded by AWS's own Python library.
TEST_CASE("a chunk has the bytes of the service's own") {
  CHECK(hex(payload_chunk("hello")) ==
        "0000006f0000005af5fe871f"
        "0b3a6576656e742d7479706507000c5061796c6f61644368756e6b"
        "0d3a636f6e74656e742d747970650700186170706c69636174696f6e2f6f637465742d73747265616d"
        "0d3a6d6573736167652d747970650700056576656e74"
        "68656c6c6f"
        "29e71260");
}

TEST_CASE("the end of a stream that went well has the bytes of the service's own") {
  CHECK(hex(invoke_complete({})) ==
        "00000066000000541f56c869"
        "0b3a6576656e742d7479706507000e496e766f6b65436f6d706c657465"
        "0d3a636f6e74656e742d747970650700106170706c69636174696f6e2f6a736f6e"
        "0d3a6d6573736167652d747970650700056576656e74"
        "7b7d"
        "7006d467");
}

TEST_CASE("the end of a stream names what failed, and only that") {
  const auto body_of = [](const std::string& message) {
    constexpr std::size_t kFrame = 100;  // everything of invoke_complete({}) but its "{}"
    const std::size_t start = kFrame - 4;
    return message.substr(start, message.size() - kFrame);
  };
  CHECK(body_of(
            invoke_complete({.error_code = "Runtime.ExitError", .error_details = R"({"a":1})"})) ==
        R"({"ErrorCode":"Runtime.ExitError","ErrorDetails":"{\"a\":1}"})");
  CHECK(body_of(invoke_complete({.log_result = "TE9H"})) == R"({"LogResult":"TE9H"})");
}

TEST_CASE("a large payload has its length in the prelude") {
  const std::string message = payload_chunk(std::string(kMaxEventPayload, 'x'));
  CHECK(message.size() == kMaxEventPayload + 106);
  CHECK(hex(message.substr(0, 4)) == "0010006a");
}
