#include "common/http_head.h"

#include <doctest/doctest.h>

#include <array>
#include <string>

namespace postlude {
namespace {

constexpr std::string_view kRequest =
    "POST /a?b=c HTTP/1.1\r\nHost: x\r\nX-Twice: 1\r\nx-twice: 2\r\nX-Empty:\r\n"
    "X-Spaced: \t in between \t\r\nX-Colon: a:b\r\nConnection: Keep-Alive, CLOSE\r\n\r\n";

TEST_CASE("a request head is seen as it was written") {
  const HttpHead head(kRequest);
  CHECK(head.start_line() == "POST /a?b=c HTTP/1.1");
  CHECK(head.method() == "POST");
  CHECK(head.target() == "/a?b=c");
  CHECK(head.version() == "HTTP/1.1");
  CHECK(head.status() == 0);
}

TEST_CASE("fields are found whatever their case, the first of a name, without outer white space") {
  const HttpHead head(kRequest);
  CHECK(head.find("HOST") == "x");
  CHECK(head.find("X-TWICE") == "1");
  CHECK(head.find("x-empty") == "");
  CHECK(head.find("x-spaced") == "in between");
  CHECK(head.find("x-colon") == "a:b");
  CHECK(head.find("x") == std::nullopt);
  CHECK(head.find("x-missing") == std::nullopt);
  CHECK(head.find("") == std::nullopt);
}

TEST_CASE("tokens are found in comma lists, over several fields") {
  const HttpHead head("GET / HTTP/1.1\r\nA: one, two\r\nB: three\r\na:,,Four ,\r\n\r\n");
  CHECK(head.has_token("a", "TWO"));
  CHECK(head.has_token("A", "four"));
  CHECK_FALSE(head.has_token("a", "three"));
  CHECK_FALSE(head.has_token("a", "on"));
  CHECK(HttpHead(kRequest).has_token("connection", "close"));
}

TEST_CASE("a status line gives its code, anything else 0") {
  CHECK(HttpHead("HTTP/1.1 202 Accepted\r\n\r\n").status() == 202);
  CHECK(HttpHead("HTTP/1.0 500\r\n\r\n").status() == 500);
  for (const auto* line : {"HTTP/2 200 OK", "HTTP/1.1", "HTTP/1.1 2x2 A", "HTTP/1.1  20", "x"}) {
    CAPTURE(line);
    CHECK(HttpHead(std::string(line) + "\r\n\r\n").status() == 0);
  }
  const HttpHead response("HTTP/1.1 200 OK\r\n\r\n");
  CHECK(response.method().empty());
  CHECK(response.target().empty());
}

TEST_CASE("empty lines before the start line are no part of the view") {
  const HttpHead head("\r\n\r\nGET / HTTP/1.1\r\nA: 1\r\n\r\n");
  CHECK(head.method() == "GET");
  CHECK(head.field_lines() == "A: 1\r\n");
}

TEST_CASE("the cursor walks every line, in order, one without colon as a name") {
  FieldCursor cursor("A: 1\r\nb:2\r\nno colon\r\nC:\r\n");
  std::string seen;
  while (const auto field = cursor.next()) {
    seen.append("[").append(field->name).append("=").append(field->value).append("]");
  }
  CHECK(seen == "[A=1][b=2][no colon=][C=]");
  CHECK_FALSE(FieldCursor("").next());
}

TEST_CASE("a field is found in bare trailer lines") {
  CHECK(find_field("Lambda-Runtime-Function-Error-Type: A\r\n\r\n",
                   "lambda-runtime-function-error-type") == "A");
  CHECK(find_field("\r\n", "a") == std::nullopt);
}

TEST_CASE("a written head cannot grow lines out of its values") {
  const std::array<HeaderField, 2> fields = {
      HeaderField{"A", std::string_view("x\r\nEvil: 1\0", 11)}, HeaderField{"B\r\n", ""}};
  CHECK(write_head("HTTP/1.1 200 OK", fields) ==
        "HTTP/1.1 200 OK\r\nA: x  Evil: 1 \r\nB  : \r\n\r\n");
  CHECK(write_head("GET / HTTP/1.1", {}) == "GET / HTTP/1.1\r\n\r\n");
}

}  // namespace
}  // namespace postlude
