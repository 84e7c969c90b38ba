#include "extension/secret_values.h"

#include "common/json_text.h"
#include "tests/fakes/scripted_http.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <atomic>
#include <future>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace postlude::extension {
using testing::field_of;
using testing::ScriptedHttp;
using Json = nlohmann::json;

namespace {

using Variables = std::vector<std::pair<std::string, std::string>>;
using Next = TemplateFailure::Next;

const EpochTime kDeadline = now() + std::chrono::hours(1);

struct Fixture {
  [[nodiscard]] AwsClient client(HttpFunction function) {
    return AwsClient({.credentials = credentials,
                      .endpoints = endpoints,
                      .http = std::move(function),
                      .clock = [this] { return time.load(); }});
  }
  [[nodiscard]] AwsClient client() { return client(http.function()); }

  Environment environment{Variables{{"AWS_REGION", "eu-west-1"},
                                    {"AWS_ACCESS_KEY_ID", "id"},
                                    {"AWS_SECRET_ACCESS_KEY", "secret"}}};
  Credentials credentials{environment};
  AwsEndpoints endpoints{environment};
  ScriptedHttp http;
  std::atomic<EpochTime> time{EpochTime(Millis(1767225600000))};
  SecretValues values;
};

std::string secret(const std::string& value) {
  return Json{{"Name", "n"}, {"SecretString", value}}.dump();
}

}  // namespace

TEST_CASE("a secret is fetched once and kept for five minutes") {
  Fixture fixture;
  fixture.http.answer(200, secret("old"));
  CHECK(fixture.values.secret("db", fixture.client(), kDeadline) == "old");
  fixture.time = fixture.time.load() + kSecretLifetime - Millis(1);
  CHECK(fixture.values.secret("db", fixture.client(), kDeadline) == "old");
  REQUIRE(fixture.http.requests().size() == 1);
  const HttpRequest request = fixture.http.requests().front();
  CHECK(field_of(request, "X-Amz-Target") == "secretsmanager.GetSecretValue");
  CHECK(parse_json(request.body) == Json{{"SecretId", "db"}});

  fixture.time = fixture.time.load() + Millis(1);
  fixture.http.answer(200, secret("new"));
  CHECK(fixture.values.secret("db", fixture.client(), kDeadline) == "new");
}

TEST_CASE("a secret from before a snapshot is fetched anew") {
  Fixture fixture;
  fixture.http.answer(200, secret("before"));
  CHECK(fixture.values.secret("db", fixture.client(), kDeadline) == "before");
  fixture.values.forget();
  fixture.http.answer(200, secret("after"));
  CHECK(fixture.values.secret("db", fixture.client(), kDeadline) == "after");
}

TEST_CASE("a parameter is decrypted, and no secret of the same name") {
  Fixture fixture;
  fixture.http.answer(200, R"({"Parameter":{"Name":"/p","Value":"v"}})");
  CHECK(fixture.values.parameter("/p", fixture.client(), kDeadline) == "v");
  fixture.http.answer(200, secret("s"));
  CHECK(fixture.values.secret("/p", fixture.client(), kDeadline) == "s");
  const auto requests = fixture.http.requests();
  REQUIRE(requests.size() == 2);
  CHECK(field_of(requests[0], "X-Amz-Target") == "AmazonSSM.GetParameter");
  CHECK(parse_json(requests[0].body) == Json{{"Name", "/p"}, {"WithDecryption", true}});
}

TEST_CASE("a binary secret is its decoded bytes") {
  Fixture fixture;
  fixture.http.answer(200, R"({"SecretBinary":"aGVsbG8="})");
  CHECK(fixture.values.secret("b", fixture.client(), kDeadline) == "hello");
}

TEST_CASE("an ARN is asked for in its own region") {
  Fixture fixture;
  fixture.http.answer(200, secret("s"));
  CHECK(fixture.values.secret("arn:aws:secretsmanager:us-east-2:123456789012:secret:x-AbCdEf",
                              fixture.client(),
                              kDeadline));
  CHECK(fixture.http.requests().front().url.host == "secretsmanager.us-east-2.amazonaws.com");
}

TEST_CASE("an error says whether another attempt is worth it, and is not kept") {
  Fixture fixture;
  const auto ended = [&](int status, const char* body) {
    fixture.http.answer(status, body);
    const auto value = fixture.values.secret("db", fixture.client(), kDeadline);
    REQUIRE_FALSE(value);
    return value.error();
  };
  const TemplateFailure missing = ended(400, R"({"__type":"ResourceNotFoundException"})");
  CHECK(missing.next == Next::missing);
  CHECK(missing.why == "secretsmanager GetSecretValue: 400 ResourceNotFoundException");
  CHECK(ended(400, R"({"__type":"AccessDeniedException"})").next == Next::fail);
  CHECK(ended(400, R"({"__type":"ThrottlingException"})").next == Next::retry);
  CHECK(ended(500, "").next == Next::retry);
  fixture.http.answer(400, R"({"__type":"ParameterNotFound"})");
  CHECK(fixture.values.parameter("/p", fixture.client(), kDeadline).error().next == Next::missing);
  fixture.http.fail(HttpFailure::Kind::unreachable, "refused");
  CHECK(fixture.values.parameter("/p", fixture.client(), kDeadline).error().why ==
        "ssm GetParameter: refused");
  for (const char* body :
       {"{}", "[]", "secret", R"({"SecretString":1})", R"({"SecretBinary":"*"})"}) {
    CHECK(ended(200, body).why == "the answer holds no value");
  }
  fixture.http.answer(200, secret("there"));
  CHECK(fixture.values.secret("db", fixture.client(), kDeadline) == "there");
}

TEST_CASE("a name is fetched by one thread at a time") {
  Fixture fixture;
  std::promise<void> release;
  const std::shared_future<void> released = release.get_future().share();
  std::atomic<int> fetches = 0;
  const HttpFunction slow = [&](const HttpRequest&,
                                EpochTime) -> tl::expected<HttpAnswer, HttpFailure> {
    ++fetches;
    released.wait();
    return HttpAnswer{.status = 200, .fields = {}, .body = secret("s")};
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
        same += fixture.values.secret("db", fixture.client(slow), kDeadline) == "s" ? 1 : 0;
      });
    }
    for (int seen = begun; seen < 8; seen = begun) {
      begun.wait(seen);
    }
    release.set_value();
  }
  CHECK(fetches == 1);
  CHECK(same == 8);
}

TEST_CASE("who waits while a fetch is stopped fetches for itself") {
  Fixture fixture;
  std::promise<void> asked;
  std::promise<void> release;
  std::atomic<int> calls = 0;
  const HttpFunction first_stops = [&](const HttpRequest&,
                                       EpochTime) -> tl::expected<HttpAnswer, HttpFailure> {
    if (calls++ == 0) {
      asked.set_value();
      release.get_future().wait();
      return tl::unexpected(HttpFailure{.kind = HttpFailure::Kind::stopped, .why = "stopped"});
    }
    return HttpAnswer{.status = 200, .fields = {}, .body = secret("s")};
  };
  Next stopped = Next::fail;
  std::jthread one([&] {
    stopped = fixture.values.secret("db", fixture.client(first_stops), kDeadline).error().next;
  });
  asked.get_future().wait();
  const auto late = fixture.values.secret("db", fixture.client(first_stops), now() + Millis(20));
  REQUIRE_FALSE(late);
  CHECK(late.error().next == Next::retry);
  std::jthread other(
      [&] { CHECK(fixture.values.secret("db", fixture.client(first_stops), kDeadline) == "s"); });
  release.set_value();
  one.join();
  other.join();
  CHECK(stopped == Next::retry);
}

TEST_CASE("the cache is bounded, the oldest value makes room") {
  Fixture fixture;
  const auto fetch = [&](std::size_t n) {
    fixture.http.answer(200, secret("s"));
    fixture.time = fixture.time.load() + Millis(1);
    CHECK(fixture.values.secret("n" + std::to_string(n), fixture.client(), kDeadline));
  };
  for (std::size_t n = 0; n <= kMostCachedSecrets; ++n) {
    fetch(n);
  }
  const std::size_t asked = fixture.http.requests().size();
  CHECK(asked == kMostCachedSecrets + 1);
  CHECK(fixture.values.secret("n1", fixture.client(), kDeadline) == "s");
  CHECK(fixture.http.requests().size() == asked);
  fetch(0);
  CHECK(fixture.http.requests().size() == asked + 1);
}

}  // namespace postlude::extension
