#include "runtime/streamed_result.h"

#include "common/base64.h"
#include "common/http_framing.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace postlude::runtime {
namespace {

using Framing = StreamedResult::Framing;
using Verdict = ResultReading::Verdict;

constexpr std::string_view kNuls("\0\0\0\0\0\0\0\0", 8);

std::vector<std::string> pieces_of(StreamedResult& result) {
  std::vector<std::string> pieces;
  for (std::string_view piece = result.next(); !piece.empty(); piece = result.next()) {
    CHECK(piece.size() <= StreamedResult::kMaxPiece);
    pieces.emplace_back(piece);
  }
  return pieces;
}

std::vector<std::string> pieces_of(std::string text) {
  ResultReading reading = read_result(text);
  StreamedResult result(std::move(text), std::move(reading), Framing::chunked);
  result.end();
  auto pieces = pieces_of(result);
  CHECK(result.over());
  return pieces;
}

/// The payload of a chunked body, as the framing of the relay reads it.
std::string payload_of(const std::vector<std::string>& pieces) {
  std::string bytes = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (const std::string& piece : pieces) {
    bytes.append(piece);
  }
  HttpFraming framing(MessageKind::request);
  std::string_view rest = bytes;
  std::string payload;
  while (true) {
    const FramingStep step = framing.next(rest);
    if (step.event == FramingEvent::payload) {
      payload.append(rest.substr(0, step.consumed));
    }
    rest.remove_prefix(step.consumed);
    if (step.event == FramingEvent::end) {
      CHECK(rest.empty());
      return payload;
    }
    REQUIRE(step.event != FramingEvent::invalid);
    REQUIRE(step.event != FramingEvent::need_more);
  }
}

TEST_CASE("a small result is one piece, its last chunk included") {
  const auto pieces = pieces_of(R"({"statusCode":200,"body":"hello"})");
  REQUIRE(pieces.size() == 1);
  CHECK(pieces[0] == "1f\r\n{\"statusCode\":200}" + std::string(kNuls) + "hello\r\n0\r\n\r\n");
}

TEST_CASE("an empty body leaves prelude and last chunk in the first piece") {
  for (const char* text : {R"({"statusCode":204})",
                           R"({"statusCode":204,"body":""})",
                           R"({"statusCode":204,"body":"","isBase64Encoded":true})"}) {
    const auto pieces = pieces_of(text);
    REQUIRE(pieces.size() == 1);
    CHECK(pieces[0] == "1a\r\n{\"statusCode\":204}" + std::string(kNuls) + "\r\n0\r\n\r\n");
  }
}

TEST_CASE("what is not shaped is streamed as it is") {
  CHECK(pieces_of("") == std::vector<std::string>{"0\r\n\r\n"});
  CHECK(pieces_of("{\"a\":\"\\u00e9\"}") ==
        std::vector<std::string>{"e\r\n{\"a\":\"\\u00e9\"}\r\n0\r\n\r\n"});
  const std::string large(1'000'000, 'x');
  CHECK(payload_of(pieces_of(large)) == large);
}

TEST_CASE("a large base64 body is decoded while it passes") {
  std::string bytes;
  for (int i = 0; i < 4'500'000; ++i) {
    bytes.push_back(static_cast<char>(i * 7 + i / 251));
  }
  const auto pieces = pieces_of(R"({"isBase64Encoded":true,"body":")" + base64_encode(bytes) +
                                R"(","statusCode":200})");
  CHECK(pieces.size() < 72);
  const std::string payload = payload_of(pieces);
  CHECK(payload.substr(0, 26) == "{\"statusCode\":200}" + std::string(kNuls));
  CHECK(payload.substr(26) == bytes);
}

TEST_CASE("a prelude larger than a piece passes in pieces") {
  const std::string value(200'000, 'v');
  const auto payload = payload_of(
      pieces_of(R"({"statusCode":200,"headers":{"x":")" + value + R"("},"body":"\ud83d\ude00"})"));
  CHECK(payload == R"({"statusCode":200,"headers":{"x":")" + value + "\"}}" + std::string(kNuls) +
                       "\xf0\x9f\x98\x80");
}

TEST_CASE("bodies of every length around a piece's end come whole") {
  for (std::size_t size = StreamedResult::kMaxPiece - 60; size < StreamedResult::kMaxPiece + 20;
       ++size) {
    std::string body(size, 'x');
    CHECK(payload_of(pieces_of(body)) == body);
    const auto shaped =
        payload_of(pieces_of(R"({"statusCode":200,"body":")" + body + R"(\u20ac"})"));
    CHECK(shaped.substr(26) == body + "\xe2\x82\xac");
  }
}

TEST_CASE("trailers follow the last chunk, in pieces if they are long") {
  for (const std::size_t size : {std::size_t{3}, std::size_t{300'000}}) {
    StreamedResult result("body", {}, Framing::chunked);
    const std::string trailers = "X-Error: " + std::string(size, 'e') + "\r\n\r\n";
    result.end(trailers);
    std::string all;
    for (const std::string& piece : pieces_of(result)) {
      all.append(piece);
    }
    CHECK(all == "4\r\nbody\r\n0\r\n" + trailers);
    CHECK(result.over());
  }
}

TEST_CASE("an unframed result is its text") {
  const std::string text(150'000, 't');
  StreamedResult result(text, {.verdict = Verdict::malformed}, Framing::unframed);
  result.end();
  std::string all;
  for (const std::string& piece : pieces_of(result)) {
    all.append(piece);
  }
  CHECK(all == text);
  CHECK(result.over());
}

TEST_CASE("a result that is not whole yet goes on with what is appended") {
  StreamedResult result("first", {}, Framing::chunked);
  CHECK(result.next() == "5\r\nfirst\r\n");
  CHECK(result.next().empty());
  CHECK_FALSE(result.over());
  result.append("second");
  result.append(" third");
  CHECK(result.next() == "c\r\nsecond third\r\n");
  result.end();
  CHECK_FALSE(result.over());
  CHECK(result.next() == "0\r\n\r\n");
  CHECK(result.over());
}

}  // namespace
}  // namespace postlude::runtime
