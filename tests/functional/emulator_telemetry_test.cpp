// The Telemetry API of the emulator (lambda-protocol.md 3.8). The test is the extension's listener.
#include "common/tcp.h"
#include "tests/fakes/temp_dir.h"
#include "tests/functional/local_lambda.h"
#include "tests/functional/process_probe.h"
#include "tests/functional/runtime_calls.h"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <deque>
#include <optional>
#include <string>

using namespace postlude::testing;  // NOLINT(google-build-using-namespace)

namespace {

/// Takes batches of events, one connection each, and gives the events out one by one.
class Listener {
 public:
  Listener() : listener_(postlude::listen_on_loopback()) { REQUIRE(listener_.has_value()); }

  [[nodiscard]] std::string subscription() const {
    return nlohmann::json{
        {"schemaVersion", "2022-12-13"},
        {"types", {"platform", "function", "extension"}},
        {"buffering", {{"maxItems", 1000}, {"maxBytes", 262'144}, {"timeoutMs", 25}}},
        {"destination",
         {{"protocol", "HTTP"},
          {"URI", fmt::format("http://sandbox.localdomain:{}/in", listener_->port)}}}}
        .dump();
  }

  /// The next event of that type; others before it are left out.
  nlohmann::json next(const std::string& type) {
    while (true) {
      while (events_.empty()) {
        take_batch(200);
      }
      nlohmann::json event = events_.front();
      events_.pop_front();
      if (event.at("type") == type) {
        return event;
      }
    }
  }

  /// Reads one batch and answers with `status`.
  void take_batch(int status) {
    wait_readable(listener_->fd.get());
    auto accepted = postlude::accept_tcp(listener_->fd.get());
    REQUIRE(accepted.has_value());
    std::string request;
    std::optional<std::size_t> size;
    while (!size || request.size() < *size) {
      wait_readable(accepted->get());
      std::array<char, 4096> buffer{};
      const ssize_t got = ::recv(accepted->get(), buffer.data(), buffer.size(), 0);
      REQUIRE(got > 0);
      request.append(buffer.data(), static_cast<std::size_t>(got));
      size = whole_size(request);
    }
    CHECK(request.starts_with("POST /in HTTP/1.1\r\n"));
    const auto batch = nlohmann::json::parse(request.substr(request.find("\r\n\r\n") + 4));
    events_.insert(events_.end(), batch.begin(), batch.end());
    const std::string answer = fmt::format("HTTP/1.1 {} X\r\nContent-Length: 0\r\n\r\n", status);
    CHECK(::send(accepted->get(), answer.data(), answer.size(), MSG_NOSIGNAL) > 0);
  }

 private:
  /// Of head and body, once the head is there.
  static std::optional<std::size_t> whole_size(const std::string& request) {
    const std::string field = "Content-Length: ";
    const std::size_t end = request.find("\r\n\r\n");
    const std::size_t length = request.find(field);
    return end == std::string::npos || length == std::string::npos
               ? std::nullopt
               : std::optional(end + 4 + std::stoul(request.substr(length + field.size())));
  }

  static void wait_readable(int fd) {
    pollfd watched{fd, POLLIN, 0};
    REQUIRE(::poll(&watched, 1, RawClient::kPatienceMs) == 1);
  }

  postlude::Result<postlude::TcpListener> listener_;
  std::deque<nlohmann::json> events_;
};

/// A layer with an external extension, and a runtime; both print a line once they may.
class Programs {
 public:
  Programs() {
    write("extensions/outside");
    write("runtime");
  }

  [[nodiscard]] LambdaSetup setup() const {
    return {.layer_dir = folder_.path(), .runtime = folder_.file("runtime")};
  }
  void let_print() const { write_script(folder_.file("go"), "\n"); }

 private:
  void write(const std::string& name) const {
    write_script(folder_.file(name),
                 fmt::format("#!/bin/sh\nuntil [ -e {} ]; do sleep 0.02; done\n"
                             "echo \"from ${{0##*/}}\"\nexec sleep 1000\n",
                             folder_.file("go")));
  }

  TempDir folder_;
};

RawResponse subscribe(RuntimeCalls& calls, const std::string& id, const std::string& body) {
  calls.client().request(
      "PUT", "/2022-07-01/telemetry", {{"Lambda-Extension-Identifier", id}}, body);
  return calls.read();
}

/// The Runtime API, once the external extension may register there.
std::string api_of(LocalLambda& lambda) {
  lambda.wait_for_event({.name = "processStarted", .members = {{"process", "outside"}}});
  return lambda.runtime_api();
}

/// Registers as the external extension; its identifier.
std::string register_outside(RuntimeCalls& extension) {
  const RawResponse registered =
      extension.register_extension("outside", R"({"events":["INVOKE","SHUTDOWN"]})");
  REQUIRE(registered.status == 200);
  return registered.header("Lambda-Extension-Identifier").value_or("");
}

}  // namespace

TEST_CASE("an extension that subscribed gets records and lines of its environment") {
  const Programs programs;
  Listener listener;
  LocalLambda lambda(programs.setup());
  auto call = lambda.invoke_later("{}");
  RuntimeCalls extension(api_of(lambda));
  const std::string id = register_outside(extension);
  const RawResponse subscribed = subscribe(extension, id, listener.subscription());
  CHECK(subscribed.status == 200);
  CHECK(subscribed.body == "\"OK\"");
  CHECK(listener.next("platform.telemetrySubscription").at("record") ==
        nlohmann::json{{"name", "outside"},
                       {"state", "Subscribed"},
                       {"types", {"platform", "function", "extension"}}});
  programs.let_print();
  lambda.wait_for_log("from outside");
  lambda.wait_for_log("from runtime");
  CHECK(listener.next("extension").at("record") == "from outside");

  RuntimeCalls runtime(lambda.runtime_api());
  runtime.send_next();
  CHECK(listener.next("platform.initRuntimeDone").at("record").at("status") == "success");
  extension.send_event_next(id);
  CHECK(listener.next("platform.initReport").at("record").at("phase") == "init");
  CHECK(listener.next("platform.extension").at("record").at("name") == "outside");
  const RawResponse event = runtime.read();
  CHECK(listener.next("platform.start").at("record").at("requestId") == id_of(event));
  CHECK(extension.read().status == 200);
  CHECK(runtime.respond(id_of(event), "1").status == 202);
  CHECK(call.get().body() == "1");
  runtime.send_next();
  // An extension may wait for this before it asks for the next event.
  const auto done = listener.next("platform.runtimeDone").at("record");
  CHECK(done.at("status") == "success");
  CHECK(done.at("metrics").at("producedBytes") == 1);
  CHECK(lambda.events({.name = "invokeEnd"}).empty());
  extension.send_event_next(id);
  CHECK(listener.next("platform.report").at("record").at("requestId") == id_of(event));
}

TEST_CASE("the lines of the function are its own, whoever subscribed") {
  const Programs programs;
  Listener listener;
  LocalLambda lambda(programs.setup());
  auto call = lambda.invoke_later("{}");
  RuntimeCalls extension(api_of(lambda));
  const std::string id = register_outside(extension);
  CHECK(subscribe(extension, id, listener.subscription()).status == 200);
  programs.let_print();
  CHECK(listener.next("function").at("record") == "from runtime");
}

TEST_CASE("what the runtime did is told when it times out, with what was not told yet") {
  const Programs programs;
  Listener listener;
  LambdaSetup setup = programs.setup();
  setup.options = {"--timeout", "1s"};
  LocalLambda lambda(setup);
  auto call = lambda.invoke_later("{}");
  RuntimeCalls extension(api_of(lambda));
  const std::string id = register_outside(extension);
  CHECK(subscribe(extension, id, listener.subscription()).status == 200);
  extension.send_event_next(id);
  RuntimeCalls runtime(lambda.runtime_api());
  CHECK(runtime.next().status == 200);
  CHECK(listener.next("platform.runtimeDone").at("record").at("status") == "timeout");
  CHECK(listener.next("platform.report").at("record").at("status") == "timeout");
}

TEST_CASE("who subscribes too late, without a name or for nothing is refused") {
  const Programs programs;
  const Listener listener;
  LocalLambda lambda(programs.setup());
  auto call = lambda.invoke_later("{}");
  RuntimeCalls extension(api_of(lambda));
  const std::string id = register_outside(extension);
  CHECK(subscribe(extension, "", listener.subscription()).status == 403);
  const RawResponse nothing = subscribe(extension, id, R"({"types":[]})");
  CHECK(nothing.status == 400);
  CHECK(nothing.body.find("\"ValidationError\"") != std::string::npos);
  extension.send_event_next(id);
  RuntimeCalls runtime(lambda.runtime_api());
  CHECK(runtime.next().status == 200);
  RuntimeCalls late(lambda.runtime_api());
  const RawResponse closed = subscribe(late, id, listener.subscription());
  CHECK(closed.status == 403);
  CHECK(closed.body.find("\"Telemetry.SubscriptionClosed\"") != std::string::npos);
}

TEST_CASE("a batch that its listener does not take is lost, and that is told") {
  const Programs programs;
  Listener listener;
  LocalLambda lambda(programs.setup());
  auto call = lambda.invoke_later("{}");
  RuntimeCalls extension(api_of(lambda));
  const std::string id = register_outside(extension);
  CHECK(subscribe(extension, id, listener.subscription()).status == 200);
  constexpr int kTries = 10;
  for (int tries = 0; tries < kTries; ++tries) {
    listener.take_batch(500);
  }
  const auto dropped = listener.next("platform.logsDropped").at("record");
  CHECK(dropped.at("droppedRecords") == 1);
  CHECK(dropped.at("droppedBytes") > 0);
}
