#include "runtime/response_mode.h"

#include <doctest/doctest.h>

#include <string>

namespace postlude::runtime {
namespace {

TEST_CASE("a response without a mode is a buffered result, any mode is the platform's business") {
  CHECK(is_buffered(HttpHead("POST /r HTTP/1.1\r\nContent-Length: 1\r\n\r\n")));
  for (const char* mode : {"streaming", "Streaming", "buffered", ""}) {
    const std::string head =
        std::string("POST /r HTTP/1.1\r\nlambda-runtime-function-response-mode: ") + mode +
        "\r\n\r\n";
    CHECK_FALSE(is_buffered(HttpHead(head)));
  }
}

TEST_CASE("a streamed head keeps the runtime's fields, but frames the body anew") {
  const HttpHead head(
      "POST http://x/2018/id/response?q HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n"
      "content-type: text/plain\r\nExpect: 100-continue\r\nTrailer: A\r\nTrailer: B\r\n"
      "User-Agent: a/1\r\n\r\n");
  CHECK(streamed_head(head, {}) ==
        "POST http://x/2018/id/response?q HTTP/1.1\r\nHost: x\r\ncontent-type: text/plain\r\n"
        "Trailer: A\r\nTrailer: B\r\nUser-Agent: a/1\r\n"
        "Lambda-Runtime-Function-Response-Mode: streaming\r\nTransfer-Encoding: chunked\r\n\r\n");
  CHECK(streamed_head(head, "a/b") ==
        "POST http://x/2018/id/response?q HTTP/1.1\r\nHost: x\r\nTrailer: A\r\nTrailer: B\r\n"
        "User-Agent: a/1\r\nContent-Type: a/b\r\n"
        "Lambda-Runtime-Function-Response-Mode: streaming\r\nTransfer-Encoding: chunked\r\n\r\n");
  CHECK(streamed_head(HttpHead("POST /r HTTP/1.0\r\nContent-Length: 5\r\n\r\n"), {}) ==
        "POST /r HTTP/1.1\r\nConnection: close\r\n"
        "Lambda-Runtime-Function-Response-Mode: streaming\r\nTransfer-Encoding: chunked\r\n\r\n");
}

TEST_CASE("an unchanged head is the same bytes, without an expectation that was met") {
  const std::string head = "POST /r HTTP/1.1\r\nhost:  x \r\nContent-Length: 5\r\n\r\n";
  CHECK(unchanged_head(HttpHead(head)) == head);
  CHECK(unchanged_head(HttpHead("POST /r HTTP/1.1\r\nExpect: 100-continue\r\nA: b\r\n\r\n")) ==
        "POST /r HTTP/1.1\r\nA: b\r\n\r\n");
}

}  // namespace
}  // namespace postlude::runtime
