#include "extension/credentials.h"

#include "tests/fakes/scripted_http.h"

#include <doctest/doctest.h>

#include <future>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace postlude::extension {
using testing::field_of;
using testing::ScriptedHttp;

namespace {

using Variables = std::vector<std::pair<std::string, std::string>>;

/// 2026-01-01T00:00:00Z
constexpr EpochTime kNow{Millis(1767225600000)};
/// Of the test's patience, not of the program's.
const EpochTime kDeadline = now() + std::chrono::hours(1);

const Environment& snap_start() {
  static const Environment kAll(Variables{
      {"AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1:9001/2021-04-23/credentials"},
      {"AWS_CONTAINER_AUTHORIZATION_TOKEN", "let-me"}});
  return kAll;
}

std::string endpoint_answer(const std::string& id, const std::string& expires) {
  return R"({"AccessKeyId":")" + id + R"(","SecretAccessKey":"s","Token":"t","Expiration":")" +
         expires + "\"}";
}

}  // namespace

TEST_CASE("keys of the environment are taken as they are, and nobody is asked") {
  Credentials credentials(
      Environment(Variables{{"AWS_ACCESS_KEY_ID", "id"},
                            {"AWS_SECRET_ACCESS_KEY", "secret"},
                            {"AWS_SESSION_TOKEN", "token"},
                            {"AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://x"}}));
  ScriptedHttp http;
  const auto current = credentials.current(kNow, kDeadline, http.function());
  REQUIRE(current);
  CHECK(*current == AwsCredentials{.access_key_id = "id",
                                   .secret_access_key = "secret",
                                   .session_token = "token"});
  CHECK(credentials.replacement(*current, kNow, kDeadline, http.function()).value() == *current);
  CHECK(http.requests().empty());
}

TEST_CASE("under SnapStart the endpoint comes before keys that are as old as the snapshot") {
  Credentials credentials(
      Environment(Variables{{"AWS_ACCESS_KEY_ID", "old"},
                            {"AWS_SECRET_ACCESS_KEY", "secret"},
                            {"AWS_LAMBDA_INITIALIZATION_TYPE", "snap-start"},
                            {"AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1:9001/c"}}));
  ScriptedHttp http;
  http.answer(200, endpoint_answer("fresh", "2026-01-01T01:00:00Z"));
  CHECK(credentials.current(kNow, kDeadline, http.function())->access_key_id == "fresh");
}

TEST_CASE("keys of a SnapStart environment without an endpoint are better than none") {
  Credentials credentials(Environment(Variables{{"AWS_ACCESS_KEY_ID", "id"},
                                                {"AWS_SECRET_ACCESS_KEY", "secret"},
                                                {"AWS_LAMBDA_INITIALIZATION_TYPE", "snap-start"}}));
  ScriptedHttp http;
  CHECK(credentials.current(kNow, kDeadline, http.function())->access_key_id == "id");
}

TEST_CASE("what was fetched before a snapshot is fetched anew after it") {
  Credentials credentials(snap_start());
  ScriptedHttp http;
  http.answer(200, endpoint_answer("before", "2026-01-01T01:00:00Z"));
  CHECK(credentials.current(kNow, kDeadline, http.function())->access_key_id == "before");
  credentials.forget();
  http.answer(200, endpoint_answer("after", "2026-01-01T01:00:00Z"));
  CHECK(credentials.current(kNow, kDeadline, http.function())->access_key_id == "after");
  CHECK(http.requests().size() == 2);
}

TEST_CASE("where there are none, the error says what is unset") {
  ScriptedHttp http;
  Credentials credentials{Environment()};
  const auto none = credentials.current(kNow, kDeadline, http.function());
  REQUIRE_FALSE(none);
  CHECK(none.error().kind == AttemptResult::Kind::refused);
  CHECK(none.error().why ==
        "no AWS credentials: AWS_ACCESS_KEY_ID and AWS_CONTAINER_CREDENTIALS_FULL_URI are both "
        "unset");
}

TEST_CASE("the container endpoint is asked with its token, and again before they expire") {
  Credentials credentials(snap_start());
  ScriptedHttp http;
  http.answer(200, endpoint_answer("one", "2026-01-01T01:00:00Z"));
  const auto first = credentials.current(kNow, kDeadline, http.function());
  REQUIRE(first);
  CHECK(first->access_key_id == "one");
  CHECK(first->session_token == "t");
  CHECK(first->expires == kNow + std::chrono::hours(1));
  REQUIRE(http.requests().size() == 1);
  const HttpRequest request = http.requests().front();
  CHECK(request.method == "GET");
  CHECK(request.url.host == "127.0.0.1");
  CHECK(request.url.port == 9001);
  CHECK_FALSE(request.url.tls);
  CHECK(request.url.target == "/2021-04-23/credentials");
  CHECK(field_of(request, "Authorization") == "let-me");

  const auto later = kNow + std::chrono::minutes(54);
  CHECK(credentials.current(later, kDeadline, http.function())->access_key_id == "one");
  CHECK(http.requests().size() == 1);
  http.answer(200, endpoint_answer("two", "2026-01-01T02:00:00Z"));
  CHECK(credentials.current(later + std::chrono::minutes(1), kDeadline, http.function())
            ->access_key_id == "two");
}

TEST_CASE("while old credentials hold, trouble of the endpoint stops nobody") {
  Credentials credentials(snap_start());
  ScriptedHttp http;
  http.answer(200, endpoint_answer("one", "2026-01-01T00:04:00Z"));
  CHECK(credentials.current(kNow, kDeadline, http.function())->access_key_id == "one");
  // They expire soon, but were fetched just now.
  CHECK(credentials.current(kNow + Millis(1), kDeadline, http.function())->access_key_id == "one");
  CHECK(http.requests().size() == 1);

  const auto later = kNow + std::chrono::minutes(1);
  http.answer(500, "");
  CHECK(credentials.current(later, kDeadline, http.function())->access_key_id == "one");
  CHECK(http.requests().size() == 2);

  const auto gone = kNow + std::chrono::minutes(5);
  http.answer(500, "");
  const auto none = credentials.current(gone, kDeadline, http.function());
  REQUIRE_FALSE(none);
  CHECK(none.error().kind == AttemptResult::Kind::failed);
  CHECK(none.error().why == "AWS credentials: the container endpoint answered 500");
}

TEST_CASE("credentials that a service refused are fetched anew, once for all threads") {
  Credentials credentials(snap_start());
  ScriptedHttp http;
  http.answer(200, endpoint_answer("one", "2026-01-01T01:00:00Z"));
  http.answer(200, endpoint_answer("two", "2026-01-01T01:00:00Z"));
  const auto one = credentials.current(kNow, kDeadline, http.function());
  REQUIRE(one);
  const auto two = credentials.replacement(*one, kNow, kDeadline, http.function());
  REQUIRE(two);
  CHECK(two->access_key_id == "two");
  CHECK(credentials.replacement(*one, kNow, kDeadline, http.function())->access_key_id == "two");
  CHECK(http.requests().size() == 2);
}

TEST_CASE("many threads share one fetch") {
  Credentials credentials(snap_start());
  std::promise<void> all_wait;
  std::shared_future<void> released = all_wait.get_future().share();
  std::atomic<int> fetches = 0;
  const HttpFunction http = [&](const HttpRequest&,
                                EpochTime) -> tl::expected<HttpAnswer, HttpFailure> {
    ++fetches;
    released.wait();
    return HttpAnswer{
        .status = 200, .fields = {}, .body = endpoint_answer("one", "2026-01-01T01:00:00Z")};
  };
  std::atomic<int> begun = 0;
  std::atomic<int> same = 0;
  {
    std::vector<std::jthread> threads;
    threads.reserve(8);
    for (int n = 0; n < 8; ++n) {
      threads.emplace_back([&] {
        ++begun;
        begun.notify_all();
        const auto current = credentials.current(kNow, kDeadline, http);
        same += current && current->access_key_id == "one" ? 1 : 0;
      });
    }
    for (int seen = begun; seen < 8; seen = begun) {
      begun.wait(seen);
    }
    all_wait.set_value();
  }
  CHECK(fetches == 1);
  CHECK(same == 8);
}

TEST_CASE("who waits for another's fetch gives up at the deadline") {
  Credentials credentials(snap_start());
  std::promise<void> asked;
  std::promise<void> release;
  const HttpFunction http = [&](const HttpRequest&,
                                EpochTime) -> tl::expected<HttpAnswer, HttpFailure> {
    asked.set_value();
    release.get_future().wait();
    return tl::unexpected(HttpFailure{.kind = HttpFailure::Kind::stopped, .why = "stopped"});
  };
  std::jthread slow([&] {
    const auto current = credentials.current(kNow, kDeadline, http);
    CHECK_FALSE(current);
    CHECK(current.error().kind == AttemptResult::Kind::stopped);
  });
  asked.get_future().wait();
  const auto late = credentials.current(kNow, now() + Millis(20), http);
  REQUIRE_FALSE(late);
  CHECK(late.error().kind == AttemptResult::Kind::failed);
  release.set_value();
}

TEST_CASE("an endpoint that does not answer with credentials is named, its answer is not") {
  struct Bad {
    int status;
    const char* body;
    AttemptResult::Kind kind;
  };
  for (const Bad& bad : {Bad{404, "secret", AttemptResult::Kind::refused},
                         Bad{429, "secret", AttemptResult::Kind::failed},
                         Bad{200, "secret", AttemptResult::Kind::failed},
                         Bad{200, R"(["secret"])", AttemptResult::Kind::failed},
                         Bad{200, R"({"AccessKeyId":"secret"})", AttemptResult::Kind::failed}}) {
    CAPTURE(bad.body);
    Credentials credentials(snap_start());
    ScriptedHttp http;
    http.answer(bad.status, bad.body);
    const auto none = credentials.current(kNow, kDeadline, http.function());
    REQUIRE_FALSE(none);
    CHECK(none.error().kind == bad.kind);
    CHECK(none.error().why.starts_with("AWS credentials: the container endpoint"));
    CHECK(none.error().why.find("secret") == std::string::npos);
  }
}

TEST_CASE("a bad address or token of the endpoint is an error of the configuration") {
  ScriptedHttp http;
  Credentials no_url(
      Environment(Variables{{"AWS_CONTAINER_CREDENTIALS_FULL_URI", "169.254.170.2"}}));
  CHECK(no_url.current(kNow, kDeadline, http.function()).error().kind ==
        AttemptResult::Kind::refused);
  Credentials line_end(
      Environment(Variables{{"AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://a/b?c=1"},
                            {"AWS_CONTAINER_AUTHORIZATION_TOKEN", "a\r\nb"}}));
  CHECK(line_end.current(kNow, kDeadline, http.function()).error().kind ==
        AttemptResult::Kind::refused);
  CHECK(http.requests().empty());
  Credentials with_query(
      Environment(Variables{{"AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://a?c=1"}}));
  http.answer(200, endpoint_answer("one", "x"));
  CHECK_FALSE(with_query.current(kNow, kDeadline, http.function())->expires);
  CHECK(http.requests().front().url.target == "/?c=1");
}

TEST_CASE("times are read with and without parts of a second") {
  CHECK(parse_utc_time("2026-01-01T00:00:00Z") == kNow);
  CHECK(parse_utc_time("2026-01-01T00:00:00.123456Z") == kNow);
  CHECK(parse_utc_time("2024-02-29T23:59:59Z") == from_epoch_ms(1709251199000));
  for (const char* text : {"",
                           "2026-01-01",
                           "2026-01-01T00:00:00",
                           "2026-02-30T00:00:00Z",
                           "2026-13-01T00:00:00Z",
                           "2026-01-01 00:00:00Z",
                           "2026-01-01T-1:00:00Z"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_utc_time(text));
  }
}

}  // namespace postlude::extension
