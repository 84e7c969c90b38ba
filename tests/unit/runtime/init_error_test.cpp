#include "runtime/init_error.h"

#include "tests/fakes/scripted_platform.h"

#include <doctest/doctest.h>

#include <future>
#include <string>

namespace postlude::runtime {
namespace {

using testing::ScriptedPlatform;

std::future<Result<void>> post(const ScriptedPlatform& platform, std::string body) {
  return std::async(std::launch::async, [address = platform.address(), body = std::move(body)] {
    return post_init_error(address, body);
  });
}

TEST_CASE("an init error is posted with its type, and done when the platform took it") {
  ScriptedPlatform platform;
  auto posted = post(platform, R"({"errorType":"Postlude.ConfigError"})");
  const std::string request = platform.next_request();
  CHECK(request.starts_with("POST /2018-06-01/runtime/init/error HTTP/1.1\r\n"));
  CHECK(request.find("\r\nHost: " + platform.address() + "\r\n") != std::string::npos);
  CHECK(request.find("\r\nContent-Length: 36\r\n") != std::string::npos);
  CHECK(request.find("\r\nLambda-Runtime-Function-Error-Type: Runtime.PostludeConfigError\r\n") !=
        std::string::npos);
  CHECK(request.ends_with("\r\n\r\n{\"errorType\":\"Postlude.ConfigError\"}"));
  platform.answer(202, "{}");
  CHECK(posted.get());
}

TEST_CASE("an answer that comes in pieces is understood") {
  ScriptedPlatform platform;
  auto posted = post(platform, "{}");
  static_cast<void>(platform.next_request());
  platform.send("HTTP/1.1 2");
  platform.send("02 Accepted\r\nContent-");
  platform.send("Length: 0\r\n\r\n");
  CHECK(posted.get());
}

TEST_CASE("a refusal, a closed connection, nonsense and a closed door are told apart") {
  ScriptedPlatform platform;
  auto refused = post(platform, "{}");
  static_cast<void>(platform.next_request());
  platform.answer(403, "{}");
  CHECK(refused.get().error().message.find("403") != std::string::npos);
  platform.close_connection();

  auto closed = post(platform, "{}");
  static_cast<void>(platform.next_request());
  platform.close_connection();
  CHECK(closed.get().error().message.find("closed") != std::string::npos);

  auto nonsense = post(platform, "{}");
  static_cast<void>(platform.next_request());
  platform.send("hello\r\n\r\n");
  CHECK(nonsense.get().error().message.find("not HTTP") != std::string::npos);

  platform.close_connection();
  platform.stop_listening();
  CHECK_FALSE(post(platform, "{}").get());
  CHECK_FALSE(post_init_error("nonsense", "{}"));
}

}  // namespace
}  // namespace postlude::runtime
