#include "common/task_json.h"
#include "tests/unit/common/task_equality.h"
#include "tests/unit/runtime/tasks_cases.h"

#include <doctest/doctest.h>

#include <array>
#include <random>
#include <string>
#include <vector>

namespace postlude::runtime {
namespace {

/// Makes valid tasks of every kind from a seed.
class TaskMaker {
 public:
  explicit TaskMaker(unsigned seed) : random_(seed) {}

  Task make(std::size_t action) {
    Task task;
    task.name = "t" + std::to_string(random_() % 1000);
    if (flip()) {
      task.trigger = Trigger::demand;
      task.when = When::always;
    } else {
      task.when = std::array{When::success, When::failure, When::always, When::timeout}.at(pick(4));
      while (flip()) {
        task.match.push_back({"event.k" + std::to_string(task.match.size()), values()});
      }
    }
    task.timeout = Millis(1 + pick(900'000));
    task.backoff = Millis(1 + pick(900'000));
    task.attempts = static_cast<int>(1 + pick(100));
    task.replay = flip();
    if (flip()) {
      task.dead_letter = "arn:aws:s3:::bucket/" + std::to_string(pick(1000)) + "/";
    }
    task.action = make_action(action);
    return task;
  }

 private:
  [[nodiscard]] bool flip() { return random_() % 2 == 0; }
  [[nodiscard]] std::size_t pick(std::size_t count) { return random_() % count; }

  std::string text() {
    constexpr std::array<const char*, 12> kPieces{"a",
                                                  "\xc3\xa9",
                                                  "\xf0\x9f\x98\x80",
                                                  "\"",
                                                  "\\",
                                                  "\t",
                                                  "$${",
                                                  "$",
                                                  " ",
                                                  "/",
                                                  "${event['a\"b'].c:-d\\}}",
                                                  "${env.A}"};
    std::string text;
    for (std::size_t count = pick(6); count > 0; --count) {
      // A piece that ends in a dollar would take the next one's meaning.
      text.append(text.ends_with('$') ? " " : "").append(kPieces.at(pick(kPieces.size())));
    }
    return text;
  }

  std::string scalar() {
    constexpr std::array<const char*, 9> kScalars{"0",
                                                  "-1.50",
                                                  "1E+10",
                                                  "12345678901234567890123",
                                                  "9007199254740993",
                                                  "true",
                                                  "false",
                                                  R"("x")",
                                                  R"("\"\\\n")"};
    return kScalars.at(pick(kScalars.size()));
  }

  std::vector<std::string> values() {
    std::vector<std::string> values{scalar()};
    while (flip()) {
      values.push_back(scalar());
    }
    return values;
  }

  std::string json(int depth) {
    if (depth == 0 || flip()) {
      return flip() ? scalar() : "null";
    }
    std::string out = flip() ? "[" : "{";
    const bool is_object = out == "{";
    for (std::size_t index = 0; index < pick(4); ++index) {
      out += out.size() > 1 ? "," : "";
      out += is_object ? "\"k" + std::to_string(9 - index) + "\":" : "";
      out += json(depth - 1);
    }
    return out + (is_object ? "}" : "]");
  }

  Action make_action(std::size_t action) {
    switch (action) {
      case 0: {
        CommandAction command{{"x" + text(), text()}, {}, {}};
        if (flip()) {
          command.env = {{"Z", text()}, {"A", text()}};
          command.cwd = "/" + text();
        }
        return command;
      }
      case 1: {
        HttpAction http;
        http.method = flip() ? "POST" : "DELETE";
        http.url = flip() ? "${event.url}" : "https://x/${event.id}";
        http.headers = {{"X-B", "a\"b"}, {"X-A", "${env.A}"}};
        http.allow_hosts = {"hooks.slack.com"};
        (flip() ? http.json : http.body) = json(3);
        return http;
      }
      case 2:
        return flip() ? SendAction{"arn:aws:s3:::b/", json(3)} : SendAction{"${env.Q}", {}};
      case 3:
        return flip() ? AwsAction{"sqs", "Send", "", "", "", "", "", R"({"b":)" + json(3) + "}"}
                      : AwsAction{"x", "", "", "", "y", "GET", "/${event.a}", "{}"};
      default:
        return flip() ? HandlerAction{json(3)} : HandlerAction{};
    }
  }

  std::mt19937 random_;
};

TEST_CASE("what is kept of a task is a valid document that means the same task") {
  for (unsigned seed = 1; seed <= 400; ++seed) {
    CAPTURE(seed);
    const Task task = TaskMaker(seed).make(seed % std::variant_size_v<Action>);
    const std::string text = task_to_json(task);
    CAPTURE(text);
    testing::check_same_task(testing::parse_valid_task("[" + text + "]"), task);
    const auto back = task_from_json(text);
    REQUIRE(back);
    testing::check_same_task(*back, task);
  }
}

TEST_CASE("the form of a task as a user writes it is kept, whatever its white space and escapes") {
  const Task task = testing::parse_valid_task(
      "[ { \"handler\" : { \"event\" : { \"z\" : 1.0 , \"a\" : \"\\u0041\" } },\n"
      " \"timeout\":\"2m\",\"name\":\"a\" } ]");
  CHECK(task_to_json(task) ==
        R"({"name":"a","trigger":"invocation","when":"success","timeout":"120000ms","attempts":1,)"
        R"("backoff":"200ms","replay":true,"handler":{"event":{"z":1.0,"a":"A"}}})");
}

}  // namespace
}  // namespace postlude::runtime
