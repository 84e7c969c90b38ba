#include "tests/roots/function/serve.h"

#include "tests/roots/function/api.h"
#include "tests/roots/function/look.h"

#include <unistd.h>

#include <string>

namespace postlude::testing {
namespace {

constexpr std::string_view kInvocations = "/2018-06-01/runtime/invocation/";

class Function {
 public:
  explicit Function(const Environment& environment)
      : environment_(environment),
        runtime_(environment.get_or("AWS_LAMBDA_RUNTIME_API", "")),
        local_(environment.get_or("POSTLUDE_API", "")) {}

  bool serve_one() {
    const Received event = runtime_.get(std::string(kInvocations) + "next");
    id_ = event.header("lambda-runtime-aws-request-id");
    if (id_.empty()) {
      return false;
    }
    std::string moves = moves_in(event.body);
    while (!moves.empty()) {
      const std::size_t comma = moves.find(',');
      move(moves.substr(0, comma));
      moves.erase(0, comma == std::string::npos ? comma : comma + 1);
    }
    return true;
  }

 private:
  static std::string moves_in(const std::string& event) {
    constexpr std::string_view kMark = "moves=";
    const std::size_t at = event.find(kMark);
    if (at == std::string::npos) {
      return "answer";
    }
    const std::size_t begin = at + kMark.size();
    return event.substr(begin, event.find_first_of("\"\\& ", begin) - begin);
  }

  [[nodiscard]] std::string response() const {
    return std::string(kInvocations) + id_ + "/response";
  }

  void move(const std::string& name) {
    if (name == "answer") {
      told(name, runtime_.post(response(), R"({"answered": ")" + id_ + "\"}"));
    } else if (name == "begin") {
      runtime_.begin_stream(response());
      runtime_.send_piece("first ");
    } else if (name == "end") {
      runtime_.send_piece("second");
      told(name, runtime_.end_stream());
    } else if (name == "early") {
      told(name, local_.post("/postlude/v1/invocations/" + id_ + "/response", "\"early\""));
    } else if (name.starts_with("defer:")) {
      defer(name);
    } else if (name == "health") {
      say("function: " + local_.get("/postlude/v1/health").body);
    } else if (name == "gate") {
      wait_at_gate(environment_, "function");
    } else if (name == "look") {
      look();
    } else if (name == "done") {
      say("function: handler done");
    } else {
      say("function: there is no move " + name);
    }
  }

  void defer(const std::string& name) {
    const std::string task = name.substr(name.find(':') + 1);
    told("defer",
         local_.post("/postlude/v1/invocations/" + id_ + "/tasks",
                     R"({"task": ")" + task + R"(", "payload": {"from": "function"}})"));
  }

  static void told(const std::string& move, const Received& received) {
    say("function: " + move + " " + std::to_string(received.status));
  }

  const Environment& environment_;
  Api runtime_;
  Api local_;
  std::string id_;
};

}  // namespace

void say(std::string_view line) {
  const std::string text = std::string(line) + "\n";
  static_cast<void>(!::write(STDOUT_FILENO, text.data(), text.size()));
}

void wait_at_gate(const Environment& environment, std::string_view place) {
  PlainSocket gate = PlainSocket::connect(environment.get_or("GATE", ""));
  static_cast<void>(gate.write(std::string(place) + "\n"));
  static_cast<void>(gate.read_line());
}

int serve(const Environment& environment) {
  Function function(environment);
  while (function.serve_one()) {
  }
  return 1;
}

}  // namespace postlude::testing
