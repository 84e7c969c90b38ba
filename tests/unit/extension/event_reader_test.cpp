#include "extension/event_reader.h"

#include "common/base64.h"
#include "extension/json_escape.h"
#include "tests/unit/extension/template_fixture.h"

#include <doctest/doctest.h>

namespace postlude::extension {
namespace {

using State = JsonValue::State;
using testing::TemplateWorld;
using testing::url_event;

JsonValue read(std::string_view event, const JsonPath& path) {
  TemplateWorld world(event);
  const auto values = read_event(world.sources().event, {{}, {path}});
  REQUIRE(values.has_value());
  REQUIRE(values->request.size() == 1);
  return values->request.front();
}

/// JSON text, or "missing: why".
std::string request_value(std::string_view event, const JsonPath& path) {
  const JsonValue value = read(event, path);
  return value.state == State::found     ? value.text
         : value.state == State::missing ? "missing: " + value.why
                                         : "too large";
}

std::string base64_event(std::string_view content_type, std::string_view bytes) {
  std::string event = url_event(content_type, json_string(base64_encode(bytes)));
  const std::string_view plain = R"("isBase64Encoded":false)";
  return event.replace(event.find(plain), plain.size(), R"("isBase64Encoded":true)");
}

TEST_CASE("payload 2.0 and Function URLs: method, path, query, headers, cookies") {
  const std::string event = url_event("text/plain", "null");
  CHECK(request_value(event, {"method"}) == "\"POST\"");
  CHECK(request_value(event, {"path"}) == "\"/a/b\"");
  CHECK(request_value(event, {"query"}) == R"({"x":["1","3"],"y":"2","z":"a b c"})");
  CHECK(request_value(event, {"query", "x", "1"}) == "\"3\"");
  CHECK(request_value(event, {"headers"}) ==
        R"({"content-type":"text/plain","cookie":"a=1; b=2","x-many":"1,2"})");
  CHECK(request_value(event, {"headers", "Content-Type"}) == "\"text/plain\"");
  CHECK(request_value(event, {"headers", "x-none"}) == "missing: ");
  CHECK(request_value(event, {"body"}) == "missing: there is no body");
}

TEST_CASE("payload 1.0: several values of headers and query, both kinds present or one") {
  constexpr std::string_view kEvent =
      R"({"version":"1.0","resource":"/{proxy+}","path":"/slack/cmd","httpMethod":"PUT",)"
      R"("headers":{"X-A":"last","X-Only":"1"},)"
      R"("multiValueHeaders":{"X-A":["first","last"],"Cookie":["a=1","b=2"]},)"
      R"("queryStringParameters":{"q":"2","s":"a%20b"},)"
      R"("multiValueQueryStringParameters":{"q":["1","2"],"s":["a%20b"]},)"
      R"("requestContext":{"httpMethod":"PUT","stage":"prod"},"body":"hi","isBase64Encoded":false})";
  CHECK(request_value(kEvent, {"method"}) == "\"PUT\"");
  CHECK(request_value(kEvent, {"path"}) == "\"/slack/cmd\"");
  CHECK(request_value(kEvent, {"query"}) == R"({"q":["1","2"],"s":"a%20b"})");
  CHECK(request_value(kEvent, {"headers"}) ==
        R"({"cookie":"a=1; b=2","x-a":"first,last","x-only":"1"})");
  CHECK(request_value(kEvent, {"body"}) == "\"hi\"");
  constexpr std::string_view kNulls =
      R"({"path":"/","httpMethod":"GET","headers":null,"multiValueHeaders":null,)"
      R"("queryStringParameters":null,"multiValueQueryStringParameters":null,)"
      R"("requestContext":{},"body":null,"isBase64Encoded":false})";
  CHECK(request_value(kNulls, {"query"}) == "{}");
  CHECK(request_value(kNulls, {"headers"}) == "{}");
  CHECK(request_value(kNulls, {}) ==
        R"({"method":"GET","path":"/","query":{},"headers":{},"body":null})");
}

TEST_CASE("a load balancer's query comes encoded, with one or several values") {
  constexpr std::string_view kSingle =
      R"({"requestContext":{"elb":{"targetGroupArn":"arn"}},"httpMethod":"GET","path":"/x",)"
      R"("queryStringParameters":{"a%20key":"b%26c+d"},"headers":{"Host":"h"},)"
      R"("body":"","isBase64Encoded":false})";
  CHECK(request_value(kSingle, {"query"}) == R"({"a key":"b&c d"})");
  CHECK(request_value(kSingle, {"headers", "host"}) == "\"h\"");
  CHECK(request_value(kSingle, {"body"}) == "\"\"");
  constexpr std::string_view kMulti =
      R"({"requestContext":{"elb":{}},"httpMethod":"GET","path":"/x",)"
      R"("multiValueQueryStringParameters":{"q":["%31","2"]},)"
      R"("multiValueHeaders":{"x-a":["1","2"]},"body":"","isBase64Encoded":false})";
  CHECK(request_value(kMulti, {"query", "q"}) == R"(["1","2"])");
  CHECK(request_value(kMulti, {"headers", "x-a"}) == "\"1,2\"");
}

TEST_CASE("other events have no request") {
  for (const std::string_view event : {R"({"Records":[{"body":"a"}]})",
                                       R"({"body":"a","headers":{}})",
                                       R"({"httpMethod":"GET"})",
                                       R"({"httpMethod":5,"path":"/"})",
                                       R"({"rawPath":"/","requestContext":{"http":{"method":1}}})",
                                       "[]",
                                       "null",
                                       "5",
                                       ""}) {
    for (const JsonPath& path : std::vector<JsonPath>{{}, {"method"}, {"body", "a"}}) {
      CHECK_MESSAGE(read(event, path).state == State::missing, event);
    }
  }
}

TEST_CASE("a JSON body is parsed, plain or base64") {
  constexpr std::string_view kBody = R"({"user": {"id": 1.50, "tags": ["a","ü"]}})";
  for (const char* type :
       {"application/json", "Application/JSON; charset=utf-8", "application/problem+json"}) {
    for (const std::string& event :
         {url_event(type, json_string(kBody)), base64_event(type, kBody)}) {
      CHECK(request_value(event, {"body", "user", "id"}) == "1.50");
      CHECK(request_value(event, {"body", "user", "tags", "1"}) == "\"ü\"");
      CHECK(request_value(event, {"body"}) == kBody);
      CHECK(request_value(event, {"body", "none"}) == "missing: ");
    }
  }
  CHECK(request_value(url_event("application/json", R"("")"), {"body"}) ==
        "missing: the body is empty");
  CHECK(request_value(url_event("application/json", R"("{oops")"), {"body"}) ==
        "missing: the body is not valid JSON");
}

TEST_CASE("a form body is an object of strings, repeated names are arrays") {
  constexpr std::string_view kType = "application/x-www-form-urlencoded; charset=UTF-8";
  constexpr std::string_view kForm =
      "command=%2Fweather&text=94070+now&response_url=https%3A%2F%2Fhooks.slack.com%2Fc%2F1"
      "&x=1&x=2&empty=&flag&&bad=%zz%4&ctl=%00%0d%0a&utf=%c3%a4%ff&=noname&a%3Db=c=d";
  for (const std::string& event :
       {url_event(kType, json_string(kForm)), base64_event(kType, kForm)}) {
    CHECK(request_value(event, {"body", "response_url"}) == "\"https://hooks.slack.com/c/1\"");
    CHECK(request_value(event, {"body", "command"}) == "\"/weather\"");
    CHECK(request_value(event, {"body", "x"}) == R"(["1","2"])");
    CHECK(request_value(event, {"body", "x", "1"}) == "\"2\"");
    CHECK(request_value(event, {"body", "none"}) == "missing: ");
    CHECK(request_value(event, {"body"}) ==
          R"({"command":"/weather","text":"94070 now",)"
          R"("response_url":"https://hooks.slack.com/c/1","x":["1","2"],"empty":"","flag":"",)"
          R"("bad":"%zz%4","ctl":"\u0000\r\n","utf":"ä�","":"noname","a=b":"c=d"})");
  }
}

TEST_CASE("any other body is text, and missing where it is binary") {
  CHECK(request_value(url_event("text/plain", R"("a \"q\" \u00e4\n")"), {"body"}) ==
        R"("a \"q\" ä\n")");
  CHECK(request_value(base64_event("text/plain", "abc"), {"body"}) == "\"abc\"");
  CHECK(request_value(base64_event("image/png", "\x89PNG"), {"body"}) ==
        "missing: the body is binary");
  CHECK(request_value(base64_event("text/plain", std::string_view("a\0b", 3)), {"body"}) ==
        "missing: the body is binary");
  CHECK(request_value(url_event("text/plain", R"("a")"), {"body", "x"}) ==
        "missing: the body is neither JSON nor a form");
  std::string broken = base64_event("text/plain", "abc");
  broken.replace(broken.find("YWJj"), 4, "Y*Jj");
  CHECK(request_value(broken, {"body"}) == "missing: the body is not valid base64");
  CHECK(request_value(url_event("text/plain", R"("\ud800")"), {"body"}) ==
        "missing: the body is not valid JSON text");
}

TEST_CASE("of two bodies the last counts") {
  std::string event = url_event("application/json", R"("{\"a\":1}")");
  event.insert(1, R"("body":"{\"a\":0,\"b\":2}",)");
  CHECK(request_value(event, {"body", "a"}) == "1");
  CHECK(request_value(event, {"body", "b"}) == "missing: ");
  event.back() = ',';
  CHECK(request_value(event + R"("body":null})", {"body", "a"}) ==
        "missing: the body is not valid JSON text");
}

TEST_CASE("one value of a large body is taken out, the whole is too large") {
  const std::string filler(kMaxTemplateValueBytes, 'f');
  const std::string json = R"({"fill":")" + filler + R"(","a":"b"})";
  const std::string json_event = base64_event("application/json", json);
  CHECK(request_value(json_event, {"body", "a"}) == "\"b\"");
  CHECK(request_value(json_event, {"body"}) == "too large");
  CHECK(request_value(json_event, {}) == "too large");
  const std::string form_event =
      base64_event("application/x-www-form-urlencoded", "fill=" + filler + "f&a=b");
  CHECK(request_value(form_event, {"body", "a"}) == "\"b\"");
  CHECK(request_value(form_event, {"body"}) == "too large");
  CHECK(request_value(base64_event("text/plain", filler + "f"), {"body"}) == "too large");
  CHECK(read(base64_event("text/plain", filler), {"body"}).text.size() == filler.size() + 2);
}

TEST_CASE("a form of a million fields is too large and not kept") {
  std::string form;
  for (int i = 0; i < 1000000; ++i) {
    form += "a&";
  }
  CHECK(request_value(base64_event("application/x-www-form-urlencoded", form), {"body"}) ==
        "too large");
  CHECK(request_value(base64_event("application/x-www-form-urlencoded", form), {"body", "b"}) ==
        "missing: ");
}

TEST_CASE("an event that was cut is a failure worth another attempt") {
  TemplateWorld world(R"({"a":1})");
  EventFile event = world.sources().event;
  event.bytes += 1;
  const auto values = read_event(event, {{{"a"}}, {}});
  REQUIRE_FALSE(values.has_value());
  CHECK(values.error().next == TemplateFailure::Next::retry);
}

}  // namespace
}  // namespace postlude::extension
