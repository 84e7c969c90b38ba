#include "tests/proof/actor.h"
#include "tests/proof/plain_socket.h"

#include <fmt/format.h>

#include <unistd.h>

#include <charconv>
#include <csignal>
#include <sstream>
#include <string>

namespace postlude::testing {
namespace {

// Of the signal handler.
const Environment* actor_environment = nullptr;

/// Allocates, which a handler may not do in general: here the one thread is either in a system call
/// or about to enter one when the platform ends the environment, and what follows is the process's
/// end.
void on_sigterm(int /*signal*/) {
  ::_exit(ask_stage(*actor_environment, {.place = "sigterm"}));
}

/// One keep-alive connection to the Runtime API (or the local API), opened again when it breaks.
class Api {
 public:
  explicit Api(std::string_view address)
      : host_(address), socket_(PlainSocket::connect(port_of(address))) {}

  [[nodiscard]] bool send(std::string_view bytes) { return socket_.write(bytes); }

  [[nodiscard]] bool get_next() {
    return send(
        fmt::format("GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: {}\r\n\r\n", host_));
  }

  /// A request with that body, whole; its status, 0 if the connection broke.
  [[nodiscard]] int post(const std::string& path, std::string_view body) {
    const bool sent =
        send(fmt::format("POST {} HTTP/1.1\r\nHost: {}\r\nContent-Type: "
                         "application/json\r\nContent-Length: {}\r\n\r\n{}",
                         path,
                         host_,
                         body.size(),
                         body));
    return sent ? read_answer().status : 0;
  }

  [[nodiscard]] bool begin_stream(const std::string& path) {
    return send(
        fmt::format("POST {} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/octet-stream\r\n"
                    "Lambda-Runtime-Function-Response-Mode: streaming\r\n"
                    "Transfer-Encoding: chunked\r\n\r\n",
                    path,
                    host_));
  }

  [[nodiscard]] bool send_chunk(std::string_view bytes) {
    return send(fmt::format("{:x}\r\n{}\r\n", bytes.size(), bytes));
  }

  struct Answer {
    int status = 0;
    std::string id;
    std::string body;
  };

  [[nodiscard]] Answer read_answer() {
    Answer answer;
    const std::string first = socket_.read_line();
    constexpr std::size_t kStatusAt = 9;
    if (first.size() > kStatusAt) {
      std::from_chars(first.data() + kStatusAt, first.data() + first.size(), answer.status);
    }
    std::size_t length = 0;
    for (std::string line = socket_.read_line(); !line.empty(); line = socket_.read_line()) {
      read_field(line, "Lambda-Runtime-Aws-Request-Id: ", answer.id);
      std::string digits;
      read_field(line, "Content-Length: ", digits);
      std::from_chars(digits.data(), digits.data() + digits.size(), length);
    }
    answer.body = socket_.read_bytes(length);
    return answer;
  }

 private:
  static std::string_view port_of(std::string_view address) {
    return address.substr(address.find(':') + 1);
  }

  static void read_field(const std::string& line, std::string_view name, std::string& value) {
    if (line.starts_with(name)) {
      value = line.substr(name.size());
    }
  }

  std::string host_;
  PlainSocket socket_;
};

/// The text of the member "moves" of an event, or of the header "x-moves" of a Function URL's; no
/// escapes occur in it.
std::string moves_of(const std::string& event) {
  constexpr std::string_view kKey = "moves\":\"";
  const std::size_t at = event.find(kKey);
  if (at == std::string::npos) {
    return "answer";
  }
  const std::size_t begin = at + kKey.size();
  return event.substr(begin, event.find('"', begin) - begin);
}

class Runtime {
 public:
  explicit Runtime(const Environment& environment)
      : environment_(environment), api_(environment.get_or("AWS_LAMBDA_RUNTIME_API", "")) {}

  [[nodiscard]] int run() {
    if (ask_stage(environment_, {.place = "init"}) != 0) {
      return kActorAlone;
    }
    while (api_.get_next()) {
      const Api::Answer event = api_.read_answer();
      constexpr int kOk = 200;
      if (event.status != kOk || !play(event)) {
        return kActorAlone;
      }
    }
    return kActorAlone;
  }

 private:
  [[nodiscard]] bool play(const Api::Answer& event) {
    std::istringstream moves(moves_of(event.body));
    std::string move;
    while (moves >> move) {
      if (!make(move, event.id)) {
        return false;
      }
    }
    return true;
  }

  [[nodiscard]] bool make(const std::string& move, const std::string& id) {
    const std::string path = "/2018-06-01/runtime/invocation/" + id;
    const std::string content = fmt::format(R"({{"answered":"{}"}})", id);
    const std::size_t half = content.size() / 2;
    if (move.starts_with("hold:")) {
      return ask_stage(environment_, {.place = move.substr(move.find(':') + 1), .id = id}) == 0;
    }
    if (move.starts_with("defer:")) {
      return defer(move.substr(move.find(':') + 1), id);
    }
    if (move == "begin") {
      return api_.begin_stream(path + "/response") && api_.send_chunk(content.substr(0, half));
    }
    if (move == "end") {
      return api_.send_chunk(content.substr(half)) && api_.send("0\r\n\r\n") &&
             api_.read_answer().status != 0;
    }
    if (move == "fail") {
      return api_.post(path + "/error", R"({"errorType":"Failed","errorMessage":"as told"})") != 0;
    }
    return move == "answer" && api_.post(path + "/response", content) != 0;
  }

  /// A refusal is no end: the test knows by the receipts what was accepted.
  [[nodiscard]] bool defer(const std::string& task, const std::string& id) {
    const std::string_view address = environment_.get_or("AWS_LAMBDA_RUNTIME_API", "");
    Api local(address);
    return local.post("/postlude/v1/invocations/" + id + "/tasks",
                      fmt::format(R"({{"task":"{}","payload":null}})", task)) != 0;
  }

  const Environment& environment_;
  Api api_;
};

}  // namespace

int act_as_runtime(const Environment& environment) {
  actor_environment = &environment;
  struct sigaction ending {};
  ending.sa_handler = on_sigterm;
  ::sigaction(SIGTERM, &ending, nullptr);
  return Runtime(environment).run();
}

}  // namespace postlude::testing
