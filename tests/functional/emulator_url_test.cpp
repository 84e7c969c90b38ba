// The emulator's Function URL: events, results and streams (lambda-protocol.md 1.4 and 6.3).
#include "tests/functional/local_lambda.h"
#include "tests/functional/runtime_calls.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <future>
#include <string>

using namespace postlude::testing;  // NOLINT(google-build-using-namespace)

namespace {

const std::vector<std::string> kStream{"--url-mode", "stream"};
const std::string kNuls(8, '\0');

// Unbounded buffering would add 100 MiB.
constexpr long kFlatKib = 8L * 1024;
// A sanitizer keeps what was freed (256 MiB under AddressSanitizer), and ours is lost in it.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kMemoryIsOurs = false;
#else
constexpr bool kMemoryIsOurs = true;
#endif

/// The emulator's resident memory in KiB.
long resident_kib(pid_t pid) {
  std::ifstream statm("/proc/" + std::to_string(pid) + "/statm");
  long total = 0;
  long resident = 0;
  statm >> total >> resident;
  return resident * 4;
}

}  // namespace

TEST_CASE("the event has payload format 2.0 with headers and query as they were sent") {
  LocalLambda lambda({});
  auto call = lambda.url_later("PUT",
                               "/a%20b/c?x=1&x=2&y=%41+b",
                               {{"X-Two", "a"},
                                {"x-two", "b"},
                                {"X-Percent", "%41%0d%0a"},
                                {"User-Agent", "judge/1"},
                                {"Cookie", "k=v; l=w"},
                                {"Content-Type", "application/json"}},
                               R"({"n":1})");
  RuntimeCalls runtime(lambda.runtime_api());
  const RawResponse received = runtime.next();
  const auto event = nlohmann::json::parse(received.body);
  CHECK(event.at("version") == "2.0");
  CHECK(event.at("routeKey") == "$default");
  CHECK(event.at("rawPath") == "/a%20b/c");
  CHECK(event.at("rawQueryString") == "x=1&x=2&y=%41+b");
  CHECK(event.at("queryStringParameters") == nlohmann::json{{"x", "1,2"}, {"y", "A b"}});
  CHECK(event.at("cookies") == nlohmann::json{"k=v", "l=w"});
  CHECK(event.at("headers").at("x-two") == "a,b");
  CHECK(event.at("headers").at("x-percent") == "%41%0d%0a");
  CHECK(event.at("headers").at("host") == "test");
  CHECK(event.at("headers").at("x-forwarded-proto") == "https");
  CHECK(event.at("headers").at("x-forwarded-for") == "127.0.0.1");
  CHECK(event.at("body") == R"({"n":1})");
  CHECK(event.at("isBase64Encoded") == false);
  const auto& context = event.at("requestContext");
  CHECK(context.at("accountId") == "anonymous");
  CHECK(context.at("http").at("method") == "PUT");
  CHECK(context.at("http").at("path") == "/a%20b/c");
  CHECK(context.at("http").at("protocol") == "HTTP/1.1");
  CHECK(context.at("http").at("userAgent") == "judge/1");
  CHECK(context.at("stage") == "$default");
  CHECK(context.at("timeEpoch").is_number_integer());
  CHECK(runtime.respond(id_of(received), R"({"hello": "world"})").status == 202);
  const InvokeResult result = call.get();
  CHECK(result.status() == 200);
  CHECK(result.http.header("Content-Type") == "application/json");
  CHECK(result.body() == R"({"hello":"world"})");
}

TEST_CASE("empty members of the event are absent and other bodies come as base64") {
  LocalLambda lambda({});
  auto plain = lambda.url_later("GET", "/");
  RuntimeCalls runtime(lambda.runtime_api());
  RawResponse received = runtime.next();
  auto event = nlohmann::json::parse(received.body);
  for (const char* member : {"body", "cookies", "queryStringParameters"}) {
    CHECK_FALSE(event.contains(member));
  }
  CHECK(event.at("rawQueryString") == "");
  CHECK(runtime.respond(id_of(received), "3").status == 202);
  CHECK(plain.get().body() == "3");
  runtime.send_next();
  lambda.wait_for_event({.name = "frozen"});
  auto form =
      lambda.url_later("POST",
                       "/",
                       {{"Content-Type", "multipart/form-data; boundary=x"}},
                       "--x\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--x--\r\n");
  received = runtime.read();
  event = nlohmann::json::parse(received.body);
  CHECK(event.at("isBase64Encoded") == true);
  CHECK(event.at("body") ==
        "LS14DQpDb250ZW50LURpc3Bvc2l0aW9uOiBmb3JtLWRhdGE7IG5hbWU9YQ0KDQoxDQotLXgtLQ0K");
  CHECK(runtime.respond(id_of(received), "\"text\"").status == 202);
  CHECK(form.get().body() == "text");
}

TEST_CASE("a result with a status code is interpreted in buffered mode only") {
  const std::string result = R"({"statusCode":201,"headers":{"X-A":"b","content-type":"text/x"},)"
                             R"("cookies":["a=b","c=d"],"body":"aGk=","isBase64Encoded":true})";
  for (const std::string mode : {"buffered", "stream"}) {
    CAPTURE(mode);
    LocalLambda lambda({.options = {"--url-mode", mode}});
    auto call = lambda.url_later("GET", "/");
    RuntimeCalls runtime(lambda.runtime_api());
    CHECK(runtime.respond(id_of(runtime.next()), result, {{"Content-Type", "application/json"}})
              .status == 202);
    const InvokeResult answer = call.get();
    if (mode == "buffered") {
      CHECK(answer.status() == 201);
      CHECK(answer.body() == "hi");
      CHECK(answer.http.header("X-A") == "b");
      CHECK(answer.http.header("Content-Type") == "text/x");
      CHECK(answer.http.head.find("Set-Cookie: a=b\r\nSet-Cookie: c=d\r\n") != std::string::npos);
    } else {
      CHECK(answer.status() == 200);
      CHECK(answer.body() == result);
    }
  }
}

TEST_CASE("a function error is a 502 in both modes") {
  for (const std::string mode : {"buffered", "stream"}) {
    CAPTURE(mode);
    LocalLambda lambda({.options = {"--url-mode", mode}});
    auto call = lambda.url_later("GET", "/");
    RuntimeCalls runtime(lambda.runtime_api());
    CHECK(runtime.fail(id_of(runtime.next()), R"({"errorType":"E"})").status == 202);
    const InvokeResult answer = call.get();
    CHECK(answer.status() == 502);
    CHECK(answer.body() == "Internal Server Error");
  }
}

TEST_CASE("the first bytes of a stream arrive while the function holds the rest back") {
  LocalLambda lambda({.options = kStream});
  RawClient caller(lambda.url_address());
  caller.request("GET", "/");
  RuntimeCalls runtime(lambda.runtime_api());
  const std::string id = id_of(runtime.next());
  const std::string bytes =
      R"({"statusCode":418,"headers":{"X-Tea":"yes"},"cookies":["k=v"]})" + kNuls + "first";
  runtime.client().send(streaming_head(id, kIntegrationType));
  for (const char c : bytes) {
    runtime.client().send(chunk(std::string(1, c)));
  }
  const RawResponse head = caller.read_head();
  CHECK(head.status == 418);
  CHECK(head.chunked);
  CHECK(head.header("X-Tea") == "yes");
  CHECK(head.header("Set-Cookie") == "k=v");
  CHECK(head.header("x-amzn-RequestId") == id);
  CHECK(caller.read_until("t\r\n").ends_with("t\r\n"));
  CHECK(lambda.events({.name = "responseEnd"}).empty());
  runtime.client().send(chunk("last") + "0\r\n\r\n");
  CHECK(runtime.read().status == 202);
  CHECK(caller.read_until("0\r\n\r\n") == "4\r\nlast\r\n0\r\n\r\n");
}

TEST_CASE("a shaped stream has six mebibytes at once, then two in a second") {
  LocalLambda lambda({.options = {"--url-mode", "stream", "--shape"}});
  RawClient caller(lambda.url_address());
  caller.request("GET", "/");
  RuntimeCalls runtime(lambda.runtime_api());
  runtime.client().send(streaming_head(id_of(runtime.next()), "text/plain"));
  const auto begin = std::chrono::steady_clock::now();
  auto writer = std::async(std::launch::async, [&] {
    runtime.client().send(chunk(std::string(std::size_t{8} << 20, 'x')) + "0\r\n\r\n");
  });
  CHECK(caller.read_head().status == 200);
  CHECK(caller.read_until("\r\n0\r\n\r\n").size() > std::size_t{8} << 20);
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begin;
  writer.get();
  CHECK(taken.count() > 0.85);
  CHECK(runtime.read().status == 202);
}

TEST_CASE("a prelude without a body is answered at once and ends properly") {
  LocalLambda lambda({.options = kStream});
  auto call = lambda.url_later("GET", "/");
  RuntimeCalls runtime(lambda.runtime_api());
  const std::string id = id_of(runtime.next());
  runtime.client().send(streaming_head(id, kIntegrationType) +
                        chunk("{\"statusCode\":204}" + kNuls) + "0\r\n\r\n");
  CHECK(runtime.read().status == 202);
  const InvokeResult answer = call.get();
  CHECK(answer.status() == 204);
  CHECK_FALSE(answer.http.cut);
}

TEST_CASE("a stream of another type passes as it is with its type") {
  LocalLambda lambda({.options = kStream});
  auto call = lambda.url_later("GET", "/");
  RuntimeCalls runtime(lambda.runtime_api());
  const std::string id = id_of(runtime.next());
  runtime.client().send(streaming_head(id, "application/octet-stream") + chunk("{\"a\":1}") +
                        "0\r\n\r\n");
  CHECK(runtime.read().status == 202);
  const InvokeResult answer = call.get();
  CHECK(answer.status() == 200);
  CHECK(answer.http.header("Content-Type") == "application/octet-stream");
  CHECK(answer.body() == "{\"a\":1}");
}

TEST_CASE("a buffered caller of a streaming runtime gets prelude and NUL bytes too") {
  LocalLambda lambda({});
  auto call = lambda.invoke_later("{}");
  RuntimeCalls runtime(lambda.runtime_api());
  const std::string id = id_of(runtime.next());
  runtime.client().send(streaming_head(id, kIntegrationType) + chunk("{}" + kNuls) + chunk("body") +
                        "0\r\n\r\n");
  CHECK(runtime.read().status == 202);
  CHECK(call.get().body() == "{}" + kNuls + "body");
}

TEST_CASE("an error in trailers is seen, announced in one line, in two, or not at all") {
  const std::string type = "Lambda-Runtime-Function-Error-Type";
  const std::string body = "Lambda-Runtime-Function-Error-Body";
  std::string announced;
  SUBCASE("one line") {
    announced = "Trailer: " + type + ", " + body + "\r\n";
  }
  SUBCASE("two lines") {
    announced = "Trailer: " + type + "\r\nTrailer: " + body + "\r\n";
  }
  SUBCASE("not announced") {}
  LocalLambda lambda({});
  auto call = lambda.invoke_later("{}");
  RuntimeCalls runtime(lambda.runtime_api());
  const std::string id = id_of(runtime.next());
  runtime.client().send(streaming_head(id, "text/plain", announced) + chunk("part") + "0\r\n" +
                        type + ": Function.Broken\r\n" + body + ": eyJhIjoxfQ==\r\n\r\n");
  CHECK(runtime.read().status == 202);
  const InvokeResult result = call.get();
  CHECK(result.function_error() == "Unhandled");
  const LambdaEvent end = lambda.wait_for_event({.name = "responseEnd"});
  CHECK(end.text("how") == "errorTrailer");
  CHECK(end.text("errorType") == "Function.Broken");
}

TEST_CASE("a stream that is cut ends the caller's body without its last chunk") {
  LocalLambda lambda({.options = kStream});
  auto call = lambda.url_later("GET", "/");
  const std::string api = lambda.runtime_api();
  {
    RuntimeCalls runtime(api);
    const std::string id = id_of(runtime.next());
    runtime.client().send(streaming_head(id, "text/plain") + chunk("begun"));
    lambda.wait_for_event({.name = "responseStart"});
  }
  const InvokeResult answer = call.get();
  CHECK(answer.status() == 200);
  CHECK(answer.body() == "begun");
  CHECK(answer.http.cut);
}

TEST_CASE("a malformed stream is told to the runtime") {
  LocalLambda lambda({.options = kStream});
  auto call = lambda.url_later("GET", "/");
  RuntimeCalls runtime(lambda.runtime_api());
  const std::string id = id_of(runtime.next());
  runtime.client().send(streaming_head(id, "text/plain") + "zz\r\n");
  const RawResponse refused = runtime.read();
  CHECK(refused.status == 400);
  CHECK(refused.body ==
        "{\"errorMessage\":\"HTTP request detected as truncated\","
        "\"errorType\":\"TruncatedHTTPRequest\"}\n");
  CHECK(call.get().status() == 502);
}

TEST_CASE("a timeout in a stream closes the runtime's connection and cuts the caller's body") {
  LocalLambda lambda({.options = {"--url-mode", "stream", "--timeout", "500ms"}});
  auto call = lambda.url_later("GET", "/");
  RuntimeCalls runtime(lambda.runtime_api());
  const std::string id = id_of(runtime.next());
  runtime.client().send(streaming_head(id, "text/plain") + chunk("begun"));
  const InvokeResult answer = call.get();
  CHECK(answer.body() == "begun");
  CHECK(answer.http.cut);
  CHECK(runtime.client().read_to_end().empty());
}

TEST_CASE("a caller that hangs up does not disturb the function") {
  LocalLambda lambda({.options = kStream});
  auto caller = std::make_unique<RawClient>(lambda.url_address());
  caller->request("GET", "/");
  RuntimeCalls runtime(lambda.runtime_api());
  const std::string id = id_of(runtime.next());
  runtime.client().send(streaming_head(id, "text/plain") + chunk("begun"));
  CHECK(caller->read_head().status == 200);
  caller->reset();
  for (int i = 0; i < 100; ++i) {
    REQUIRE(runtime.client().send(chunk(std::string(100'000, 'x'))));
  }
  runtime.client().send("0\r\n\r\n");
  CHECK(runtime.read().status == 202);
  lambda.wait_for_event({.name = "callerAnswered", .members = {{"how", "callerLeft"}}});
}

TEST_CASE("a slow caller slows the runtime down and memory stays flat over 100 megabytes") {
  LocalLambda lambda({.options = kStream});
  RawClient caller(lambda.url_address());
  caller.request("GET", "/");
  RuntimeCalls runtime(lambda.runtime_api());
  const std::string id = id_of(runtime.next());
  runtime.client().send(streaming_head(id, "text/plain") + chunk("begun"));
  CHECK(caller.read_head().status == 200);
  const long before = resident_kib(lambda.pid());
  constexpr std::size_t kPieces = 100;
  constexpr std::size_t kPiece = std::size_t{1} << 20;
  std::atomic<std::size_t> sent = 0;
  auto writer = std::async(std::launch::async, [&] {
    const std::string piece = chunk(std::string(kPiece, 'x'));
    for (; sent < kPieces; ++sent) {
      runtime.client().send(piece);
    }
    runtime.client().send("0\r\n\r\n");
  });
  // Kernel buffers and our window take a few megabytes, then the writer must stand.
  CHECK(writer.wait_for(std::chrono::milliseconds(500)) == std::future_status::timeout);
  CHECK(sent < 40);
  std::size_t received = 0;
  std::string tail;
  while (!tail.ends_with("0\r\n\r\n")) {
    const std::string some = caller.read_some();
    REQUIRE_FALSE(some.empty());
    received += some.size();
    tail += some;
    tail.erase(0, tail.size() - std::min<std::size_t>(tail.size(), 5));
  }
  writer.get();
  CHECK(received > kPieces * kPiece);
  CHECK(runtime.read().status == 202);
  if (kMemoryIsOurs) {
    CHECK(resident_kib(lambda.pid()) - before < kFlatKib);
  }
}
