#include "extension/final_answer.h"

#include <doctest/doctest.h>

#include <string>

namespace postlude::extension {
namespace {

FinalAnswer read(std::string_view bytes, std::size_t piece) {
  FinalAnswer answer;
  for (std::size_t at = 0; at < bytes.size() && answer.add(bytes.substr(at, piece)); at += piece) {
  }
  return answer;
}

}  // namespace

TEST_CASE("the answer behind interim ones is read in pieces of any size") {
  const std::string bytes =
      "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
      "HTTP/1.1 503 Busy\r\nRetry-After: 1\r\nTransfer-Encoding: chunked\r\n\r\n"
      "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
  for (std::size_t piece = 1; piece <= bytes.size(); ++piece) {
    const FinalAnswer answer = read(bytes, piece);
    CHECK(answer.whole());
    CHECK(answer.answer().status == 503);
    CHECK(answer.answer().find("retry-after") == "1");
    CHECK_FALSE(answer.answer().find("link"));
    CHECK(answer.answer().body == "abcde");
  }
}

TEST_CASE("what is cut is not whole, at whatever byte") {
  const std::string bytes =
      "HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc";
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const FinalAnswer answer = read(std::string_view(bytes).substr(0, size), 7);
    CHECK_FALSE(answer.whole());
    CHECK_FALSE(answer.ends_with_connection());
  }
  CHECK(read(bytes, 7).whole());
}

TEST_CASE("a body without a length ends with the connection") {
  const FinalAnswer answer = read("HTTP/1.1 200 OK\r\n\r\nsome text", 5);
  CHECK_FALSE(answer.whole());
  CHECK(answer.ends_with_connection());
  CHECK(answer.answer().body == "some text");
}

TEST_CASE("no more of a body is kept than of other answers") {
  const std::string body(kMostAnswerBytes + 10, 'x');
  const FinalAnswer answer =
      read("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body,
           65536);
  CHECK(answer.whole());
  CHECK(answer.answer().body.size() == kMostAnswerBytes);
}

TEST_CASE("what is no HTTP is never whole") {
  for (const char* bytes : {"SSH-2.0-OpenSSH\r\n\r\n",
                            "HTTP/1.1 101 Switching\r\n\r\nrest",
                            "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"}) {
    const FinalAnswer answer = read(bytes, 4);
    CHECK_FALSE(answer.whole());
    CHECK_FALSE(answer.ends_with_connection());
  }
}

TEST_CASE("interim answers are those that announce another one") {
  CHECK(is_interim_status(100));
  CHECK(is_interim_status(102));
  CHECK(is_interim_status(103));
  CHECK_FALSE(is_interim_status(101));
  CHECK_FALSE(is_interim_status(200));
  CHECK_FALSE(is_interim_status(0));
}

}  // namespace postlude::extension
