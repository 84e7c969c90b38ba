#include "extension/run_http.h"

#include <doctest/doctest.h>

#include <string>

namespace postlude::extension {
using namespace std::chrono_literals;

namespace {

HttpAction action() {
  HttpAction result;
  result.url = "https://hooks.slack.com/services/T0";
  return result;
}

HttpFields fields_of(const HttpAction& rendered) {
  const auto request = make_http_request(rendered, "r1/notify/1", nullptr);
  REQUIRE(request);
  return request->fields;
}

AttemptResult judge(int status, HttpFields fields = {}) {
  const auto url = parse_url("https://hooks.slack.com:8443/services/secret?token=secret");
  return judge_http(HttpAnswer{status, std::move(fields), ""}, *url, from_epoch_ms(0));
}

AttemptResult judge(HttpFailure::Kind kind) {
  return judge_http(tl::unexpected(HttpFailure{kind, "because"}), Url{}, from_epoch_ms(0));
}

}  // namespace

TEST_CASE("the task's id is sent as the idempotency key unless there is one") {
  CHECK(fields_of(action()) == HttpFields{{"Idempotency-Key", "r1/notify/1"}});
  HttpAction own = action();
  own.headers = {{"idempotency-key", "mine"}};
  CHECK(fields_of(own) == HttpFields{{"idempotency-key", "mine"}});
}

TEST_CASE("the body has a content type unless one is given") {
  HttpAction with_json = action();
  with_json.json = R"({"a":1})";
  const auto request = make_http_request(with_json, "id", nullptr);
  REQUIRE(request);
  CHECK(request->body == R"({"a":1})");
  CHECK(request->fields ==
        HttpFields{{"Idempotency-Key", "id"}, {"Content-Type", "application/json"}});

  HttpAction with_text = action();
  with_text.body = "text";
  CHECK(fields_of(with_text).back() ==
        std::pair<std::string, std::string>{"Content-Type", "text/plain; charset=utf-8"});

  with_json.headers = {{"CONTENT-TYPE", "application/x-ndjson"}};
  CHECK(fields_of(with_json).size() == 2);
}

TEST_CASE("a request is refused whose URL or headers cannot be sent") {
  HttpAction bad_url = action();
  bad_url.url = "https://a b/";
  CHECK(make_http_request(bad_url, "id", nullptr).error().message == "the URL has a space");
  for (const char* name : {"Host",
                           "content-length",
                           "Transfer-Encoding",
                           "CONNECTION",
                           "Expect",
                           "bad name",
                           "",
                           "a:b"}) {
    CAPTURE(name);
    HttpAction bad = action();
    bad.headers = {{name, "x"}};
    CHECK_FALSE(make_http_request(bad, "id", nullptr));
  }
  for (const std::string& value : {std::string("a\r\nX: y"),
                                   std::string("a\nb"),
                                   std::string("a\rb"),
                                   std::string("a\0b", 3),
                                   std::string("\x7f")}) {
    HttpAction bad = action();
    bad.headers = {{"X-Secret", value}};
    const auto request = make_http_request(bad, "id", nullptr);
    REQUIRE_FALSE(request);
    CHECK(request.error().message ==
          "header X-Secret has a line break or another control character");
  }
  HttpAction method = action();
  method.method = "GET / HTTP/1.1\r\nX:";
  CHECK_FALSE(make_http_request(method, "id", nullptr));
  method.method = "CONNECT";
  CHECK_FALSE(make_http_request(method, "id", nullptr));
}

TEST_CASE("every 2xx is success") {
  for (const int status : {200, 201, 202, 204, 299}) {
    CHECK(judge(status).kind == AttemptResult::Kind::success);
  }
}

TEST_CASE("answers that may be different next time are failures, others are final") {
  for (const int status : {408, 425, 429, 500, 502, 503, 504, 599}) {
    CAPTURE(status);
    CHECK(judge(status).kind == AttemptResult::Kind::failed);
  }
  for (const int status : {101, 301, 302, 304, 307, 400, 401, 403, 404, 409, 413, 422, 451, 499}) {
    CAPTURE(status);
    CHECK(judge(status).kind == AttemptResult::Kind::refused);
  }
}

TEST_CASE("the reason names status and host, never path and query") {
  CHECK(judge(503).why == "HTTP 503 from hooks.slack.com:8443");
}

TEST_CASE("Retry-After counts where another attempt makes sense") {
  CHECK(judge(429, {{"retry-after", "7"}}).retry_after == 7s);
  CHECK(judge(503, {{"Retry-After", "Thu, 01 Jan 1970 00:00:09 GMT"}}).retry_after == 9s);
  CHECK_FALSE(judge(503, {{"Retry-After", "soon"}}).retry_after);
  CHECK_FALSE(judge(404, {{"Retry-After", "7"}}).retry_after);
  CHECK_FALSE(judge(200, {{"Retry-After", "7"}}).retry_after);
}

TEST_CASE("calls without an answer end as their failure says") {
  CHECK(judge(HttpFailure::Kind::unreachable).kind == AttemptResult::Kind::failed);
  CHECK(judge(HttpFailure::Kind::timed_out).kind == AttemptResult::Kind::failed);
  CHECK(judge(HttpFailure::Kind::refused).kind == AttemptResult::Kind::refused);
  CHECK(judge(HttpFailure::Kind::stopped).kind == AttemptResult::Kind::stopped);
  CHECK(judge(HttpFailure::Kind::timed_out).why == "because");
}

}  // namespace postlude::extension
