#include "runtime/task_reader.h"

#include "common/durations.h"
#include "common/near_miss.h"
#include "common/task_limits.h"
#include "runtime/command_config.h"
#include "runtime/object_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

namespace postlude::runtime {
namespace {

constexpr std::array<std::string_view, 14> kTaskKeys{"name",
                                                     "trigger",
                                                     "when",
                                                     "match",
                                                     "timeout",
                                                     "attempts",
                                                     "backoff",
                                                     "replay",
                                                     "deadLetter",
                                                     "command",
                                                     "http",
                                                     "send",
                                                     "aws",
                                                     "handler"};
constexpr std::array<std::string_view, 5> kActions{"command", "http", "send", "aws", "handler"};
constexpr std::string_view kUnsupported = "is not supported by this version yet";

class TaskReader {
 public:
  TaskReader(const JsonNode& node, ProblemList& problems)
      : node_(node), object_(node, kTaskKeys, problems), problems_(problems) {}

  Task read() {
    read_name();
    read_trigger();
    read_when();
    read_match();
    read_duration("timeout", task_.timeout);
    read_attempts();
    read_duration("backoff", task_.backoff);
    read_replay();
    if (const JsonNode* const value = object_.find("deadLetter"); value != nullptr) {
      problems_.add(value->key_position, fmt::format("\"deadLetter\" {}", kUnsupported));
    }
    read_action();
    return std::move(task_);
  }

 private:
  /// The member if it is there and of that kind; another kind is reported.
  const JsonNode* find(std::string_view key, JsonKind kind, std::string_view expected) {
    const JsonNode* const value = object_.find(key);
    if (value != nullptr && value->kind != kind) {
      problems_.add_wrong_type(*value, in_quotes(key), expected);
      return nullptr;
    }
    return value;
  }

  void read_name() {
    if (object_.find("name") == nullptr && !object_.misspelt("name")) {
      problems_.add(node_.position, "the key \"name\" is missing");
    }
    const JsonNode* const value = find("name", JsonKind::string, "a string");
    if (value == nullptr) {
      return;
    }
    task_.name = value->text;
    if (!valid_task_name(task_.name)) {
      problems_.add(value->position,
                    fmt::format("\"name\" is {}, expected 1 to {} of a-z, 0-9 and -, beginning "
                                "with a letter or digit",
                                in_quotes(task_.name),
                                kMaxTaskNameBytes));
    }
  }

  /// One of a few words; another one is reported with a guess, or else with all of them.
  std::optional<std::size_t> read_word(std::string_view key,
                                       std::span<const std::string_view> words) {
    const JsonNode* const value = find(key, JsonKind::string, "a string");
    if (value == nullptr) {
      return std::nullopt;
    }
    const auto word = std::find(words.begin(), words.end(), value->text);
    if (word != words.end()) {
      return static_cast<std::size_t>(word - words.begin());
    }
    std::string message = fmt::format("{} is {}", in_quotes(key), in_quotes(value->text));
    if (const auto guess = near_miss(value->text, words)) {
      message += fmt::format(", did you mean {}?", in_quotes(*guess));
    } else {
      message += fmt::format(", expected \"{}\"", fmt::join(words, "\" or \""));
    }
    problems_.add(value->position, std::move(message));
    return std::nullopt;
  }

  void read_trigger() {
    constexpr std::array<std::string_view, 2> kWords{"invocation", "demand"};
    if (const auto word = read_word("trigger", kWords)) {
      task_.trigger = *word == 0 ? Trigger::invocation : Trigger::demand;
    }
    if (task_.trigger == Trigger::demand) {
      task_.when = When::always;
    }
  }

  void read_when() {
    constexpr std::array<std::string_view, 4> kWords{"success", "failure", "always", "timeout"};
    constexpr std::array<When, 3> kValues{When::success, When::failure, When::always};
    const auto word = read_word("when", kWords);
    if (!word) {
      return;
    }
    const JsonNode& value = *object_.find("when");
    if (*word == kValues.size()) {
      problems_.add(value.position, fmt::format(R"("when": "timeout" {})", kUnsupported));
    } else if (task_.trigger == Trigger::demand && kValues.at(*word) != When::always) {
      problems_.add(value.position,
                    fmt::format("\"when\": {} is not allowed with \"trigger\": \"demand\", which "
                                "runs whatever the outcome",
                                in_quotes(value.text)));
    } else {
      task_.when = kValues.at(*word);
    }
  }

  void read_match() {
    const JsonNode* const value = object_.find("match");
    if (value == nullptr) {
      return;
    }
    problems_.add(value->key_position,
                  task_.trigger == Trigger::demand
                      ? R"("match" is not allowed with "trigger": "demand")"
                      : fmt::format("\"match\" {}", kUnsupported));
  }

  void read_duration(std::string_view key, Millis& duration) {
    const JsonNode* const value = find(key, JsonKind::string, "a duration such as \"10s\"");
    if (value == nullptr) {
      return;
    }
    if (const auto parsed = parse_duration(value->text)) {
      duration = *parsed;
      return;
    }
    problems_.add(value->position,
                  fmt::format("{} is {}, expected a duration from 1ms to 15m such as \"10s\"",
                              in_quotes(key),
                              in_quotes(value->text)));
  }

  void read_attempts() {
    const std::string expected = fmt::format("a whole number from 1 to {}", kMaxAttempts);
    const JsonNode* const value = find("attempts", JsonKind::number, expected);
    if (value == nullptr) {
      return;
    }
    const char* const end = value->text.data() + value->text.size();
    int number = 0;
    const auto [stopped, error] = std::from_chars(value->text.data(), end, number);
    if (error != std::errc() || stopped != end || number < 1 || number > kMaxAttempts) {
      // Digits and signs only, but there may be many of them.
      constexpr std::size_t kShownDigits = 24;
      problems_.add(
          value->position,
          fmt::format("\"attempts\" is {:.{}}, expected {}", value->text, kShownDigits, expected));
      return;
    }
    task_.attempts = number;
  }

  void read_replay() {
    if (const JsonNode* const value = find("replay", JsonKind::boolean, "true or false")) {
      task_.replay = value->boolean;
    }
  }

  void read_action() {
    const JsonNode* first = nullptr;
    for (const JsonNode& member : node_.items) {
      const auto action = std::find(kActions.begin(), kActions.end(), member.key);
      if (action == kActions.end() || &member != object_.find(member.key)) {
        continue;
      }
      if (first == nullptr) {
        first = &member;
      } else {
        problems_.add(member.key_position,
                      fmt::format("{} is a second action beside {} at {}, a task has exactly one",
                                  in_quotes(member.key),
                                  in_quotes(first->key),
                                  line_and_column(first->key_position)));
      }
      if (member.key == "command") {
        task_.action = read_command(member, problems_);
      } else {
        problems_.add(member.key_position,
                      fmt::format("{} {}", in_quotes(member.key), kUnsupported));
      }
    }
    if (first == nullptr && !misspelt_action()) {
      problems_.add(node_.position, "the action is missing, a task needs the key \"command\"");
    }
  }

  [[nodiscard]] bool misspelt_action() const {
    return std::any_of(kActions.begin(), kActions.end(), [this](std::string_view action) {
      return object_.misspelt(action);
    });
  }

  const JsonNode& node_;
  ObjectReader object_;
  ProblemList& problems_;
  Task task_;
};

}  // namespace

Task read_task(const JsonNode& node, ProblemList& problems) {
  if (node.kind != JsonKind::object) {
    problems.add_wrong_type(node, "a task", "an object");
    return {};
  }
  return TaskReader(node, problems).read();
}

}  // namespace postlude::runtime
