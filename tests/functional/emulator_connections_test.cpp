// What becomes of the connections of an environment that was frozen for long (lambda-protocol.md
// 4.4). The runtime is a Node.js program that says what it sees of its two connections.
#include "common/tcp.h"
#include "tests/fakes/temp_dir.h"
#include "tests/functional/local_lambda.h"
#include "tests/functional/process_probe.h"
#include "tests/functional/runtime_calls.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <string>
#include <utility>
#include <vector>

using namespace postlude::testing;  // NOLINT(google-build-using-namespace)

namespace {

/// Connects to the outside and to itself, and uses both connections when it is invoked.
constexpr const char* kProgram = R"(
import http from 'node:http';
import net from 'node:net';
import { once } from 'node:events';
const tell = (name) => (error) => console.log(`${name}: ${error.code}`);
const server = net.createServer((socket) => socket.on('error', tell('server')).pipe(socket)).listen(0);
await once(server, 'listening');
const outside = net.connect(Number(process.env.OUTSIDE), '127.0.0.1').on('error', tell('outside'));
const inside = net.connect(server.address().port, '127.0.0.1').on('error', tell('inside'));
inside.on('data', (bytes) => console.log(`inside: ${bytes}`));
await Promise.all([once(outside, 'connect'), once(inside, 'connect')]);
const [host, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(':');
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
const ask = async (method, path, body) => {
  const request = http.request({ host, port, agent, method, path: `/2018-06-01/runtime/invocation/${path}` });
  request.end(body);
  const [answer] = await once(request, 'response');
  answer.resume();
  await once(answer, 'end');
  return answer.headers['lambda-runtime-aws-request-id'];
};
while (true) {
  const id = await ask('GET', 'next');
  await new Promise((done) => outside.write('out', done));
  inside.write('echo');
  await once(inside, 'data');
  await ask('POST', `${id}/response`, '1');
}
)";

/// A server outside of the environment, which the test is.
class Outside {
 public:
  Outside() : listener_(postlude::listen_on_loopback()) { REQUIRE(listener_.has_value()); }
  [[nodiscard]] std::string port() const { return std::to_string(listener_->port); }

  void accept() {
    wait_readable(listener_->fd.get());
    auto accepted = postlude::accept_tcp(listener_->fd.get());
    REQUIRE(accepted.has_value());
    connection_ = std::move(*accepted);
  }
  /// What the next read gives: bytes, "" at the end, or the error's number.
  std::string read() {
    wait_readable(connection_.get());
    std::array<char, 64> buffer{};
    const ssize_t got = ::recv(connection_.get(), buffer.data(), buffer.size(), 0);
    return got < 0 ? std::to_string(errno)
                   : std::string(buffer.data(), static_cast<std::size_t>(got));
  }

 private:
  static void wait_readable(int fd) {
    pollfd watched{fd, POLLIN, 0};
    REQUIRE(::poll(&watched, 1, RawClient::kPatienceMs) == 1);
  }

  postlude::Result<postlude::TcpListener> listener_;
  postlude::UniqueFd connection_;
};

/// The function's folder with the program in it.
class Function {
 public:
  Function() { write_script(folder_.file("runtime.mjs"), kProgram); }

  [[nodiscard]] LambdaSetup setup(const Outside& outside, std::vector<std::string> options) const {
    options.emplace_back("--eager-init");
    return {.function_dir = folder_.path(),
            .runtime = "node runtime.mjs",
            .env = {{"OUTSIDE", outside.port()}},
            .options = std::move(options)};
  }

 private:
  TempDir folder_;
};

const std::string kConnectionReset = std::to_string(ECONNRESET);

}  // namespace

TEST_CASE("a freeze that is too long costs the connections to the outside, and only those") {
  const Function function;
  Outside outside;
  LocalLambda lambda(function.setup(outside, {"--idle-connections", "0ms"}));
  outside.accept();
  lambda.wait_for_event({.name = "frozen"});
  CHECK(lambda.invoke("{}").body() == "1");  // over the connection that was parked
  const LambdaEvent dropped = lambda.wait_for_event({.name = "connectionsDropped"});
  CHECK(dropped.number("connections") == 1);
  CHECK(dropped.text("complete") == "true");
  CHECK(outside.read() == kConnectionReset);
  lambda.wait_for_log("outside: E");
  CHECK(lambda.wait_for_log("inside: ") == "inside: echo");
}

TEST_CASE("a short freeze costs no connection, an order does") {
  const Function function;
  Outside outside;
  LocalLambda lambda(function.setup(outside, {}));
  outside.accept();
  lambda.wait_for_event({.name = "frozen"});
  CHECK(lambda.invoke("{}").body() == "1");
  CHECK(outside.read() == "out");
  lambda.wait_for_event({.name = "frozen", .nth = 2});
  CHECK(lambda.events({.name = "connectionsDropped"}).empty());
  const auto answer = nlohmann::json::parse(lambda.control("drop-connections"));
  CHECK(answer == nlohmann::json{{"connections", 1}, {"complete", true}});
  CHECK(outside.read() == kConnectionReset);
  CHECK(lambda.invoke("{}").body() == "1");
  lambda.wait_for_log("outside: E");
  lambda.wait_for_log("inside: echo", 2);
}

TEST_CASE("a test's freeze counts as much as the platform's") {
  LocalLambda lambda({.options = {"--idle-connections", "100ms"}});
  auto call = lambda.invoke_later("{}");
  RuntimeCalls runtime(lambda.runtime_api());
  const RawResponse event = runtime.next();
  lambda.control("freeze?for=1ms");
  CHECK(lambda.events({.name = "connectionsDropped"}).empty());
  lambda.control("freeze?for=101ms");
  CHECK(lambda.wait_for_event({.name = "connectionsDropped"}).number("connections") == 0);
  CHECK(runtime.respond(id_of(event), "1").status == 202);
  CHECK(call.get().body() == "1");
}
