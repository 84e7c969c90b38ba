#include "runtime/collected_answer.h"

#include <doctest/doctest.h>

#include <string>

namespace postlude::runtime {
namespace {

constexpr std::string_view kSized = "POST /r HTTP/1.1\r\nContent-Length: 99\r\n\r\n";
constexpr std::string_view kChunked = "POST /r HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
constexpr std::string_view kStreamed =
    "POST /r HTTP/1.1\r\nLambda-Runtime-Function-Response-Mode: streaming\r\n"
    "Transfer-Encoding: chunked\r\n\r\n";

std::string all_of(CollectedAnswer& answer) {
  std::string all;
  for (std::string_view piece = answer.next(); !piece.empty(); piece = answer.next()) {
    all.append(piece);
  }
  return all;
}

TEST_CASE("nothing goes up before the result is whole, then head and body together") {
  CollectedAnswer answer(kSized);
  for (const char c : std::string_view(R"({"statusCode":200,"body":"A"})")) {
    answer.append({&c, 1});
    CHECK(answer.collecting());
    CHECK(answer.next().empty());
  }
  answer.end();
  CHECK_FALSE(answer.collecting());
  CHECK_FALSE(answer.over());
  CHECK(answer.next() ==
        "POST /r HTTP/1.1\r\nContent-Type: application/vnd.awslambda.http-integration-response\r\n"
        "Lambda-Runtime-Function-Response-Mode: streaming\r\nTransfer-Encoding: chunked\r\n\r\n"
        "1b\r\n{\"statusCode\":200}" +
            std::string(8, '\0') + "A\r\n0\r\n\r\n");
  CHECK(answer.over());
  CHECK(answer.next().empty());
}

TEST_CASE("a plain result is streamed, also an empty one") {
  CollectedAnswer answer(kSized);
  answer.append("[1]");
  answer.end();
  CHECK(all_of(answer) == std::string(kStreamed) + "3\r\n[1]\r\n0\r\n\r\n");
  CollectedAnswer empty(kSized);
  empty.end();
  CHECK(all_of(empty) == std::string(kStreamed) + "0\r\n\r\n");
  CHECK(empty.over());
}

TEST_CASE("a malformed result keeps its head and its kind of framing") {
  constexpr std::string_view kMalformed = R"({"statusCode":1})";
  CollectedAnswer sized(kSized);
  sized.append(kMalformed);
  sized.end();
  CHECK(all_of(sized) == std::string(kSized).append(kMalformed));
  CHECK(sized.over());
  CollectedAnswer chunked(kChunked);
  chunked.append(kMalformed);
  chunked.trailers("X: 1\r\n\r\n");
  chunked.end();
  CHECK(all_of(chunked) ==
        std::string(kChunked).append("10\r\n").append(kMalformed).append("\r\n0\r\nX: 1\r\n\r\n"));
}

TEST_CASE("what exceeds the limit of buffered results goes up as it comes") {
  const std::string limit(CollectedAnswer::kMaxBytes, 'x');
  CollectedAnswer answer(kChunked);
  answer.append(limit);
  CHECK(answer.collecting());
  answer.append("y");
  CHECK_FALSE(answer.collecting());
  CHECK(all_of(answer).starts_with(kStreamed));
  CHECK_FALSE(answer.over());
  answer.append("more");
  CHECK(answer.next() == "4\r\nmore\r\n");
  CHECK(answer.next().empty());
  answer.trailers("X: 1\r\n\r\n");
  answer.end();
  CHECK(answer.next() == "0\r\nX: 1\r\n\r\n");
  CHECK(answer.over());
}

TEST_CASE("a shaped result that exceeds it goes up as it was") {
  const std::string begin =
      R"({"statusCode":200,"body":")" + std::string(CollectedAnswer::kMaxBytes, 'x');
  for (const std::string_view head : {kSized, kChunked}) {
    CollectedAnswer answer(head);
    answer.append(begin);
    std::string sent = all_of(answer);
    answer.append("\"}");
    answer.end();
    sent.append(all_of(answer));
    CHECK(answer.over());
    CHECK(sent.starts_with(head));
    if (head == kSized) {
      CHECK(sent == std::string(head).append(begin).append("\"}"));
    } else {
      CHECK(sent.ends_with("\r\n2\r\n\"}\r\n0\r\n\r\n"));
    }
  }
}

}  // namespace
}  // namespace postlude::runtime
