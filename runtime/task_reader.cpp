#include "runtime/task_reader.h"

#include "common/durations.h"
#include "common/task_limits.h"
#include "common/task_words.h"
#include "runtime/aws_config.h"
#include "runtime/command_config.h"
#include "runtime/handler_config.h"
#include "runtime/http_config.h"
#include "runtime/match_config.h"
#include "runtime/object_reader.h"
#include "runtime/send_config.h"
#include "runtime/word_reader.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

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

/// Tried again where a peer may have failed; a program, or the handler, may not be run twice
/// without being asked.
constexpr int kNetworkAttempts = 3;
constexpr int kLocalAttempts = 1;

struct ActionReader {
  Action (*read)(const JsonNode& node, const TemplateReader& templates);
  int attempts;  ///< where the task says nothing
};

template <auto Read>
Action read_as_action(const JsonNode& node, const TemplateReader& templates) {
  return Read(node, templates);
}

/// In the order of kActionKeys.
constexpr std::array<ActionReader, kActionKeys.size()> kActionReaders{{
    {read_as_action<read_command>, kLocalAttempts},
    {read_as_action<read_http>, kNetworkAttempts},
    {read_as_action<read_send>, kNetworkAttempts},
    {read_as_action<read_aws>, kNetworkAttempts},
    {read_as_action<read_handler>, kLocalAttempts},
}};

class TaskReader {
 public:
  TaskReader(const JsonNode& node, TaskOrigin origin, ProblemList& problems)
      : node_(node),
        object_(node, kTaskKeys, problems),
        problems_(problems),
        occasion_{.origin = origin} {}

  Task read() {
    read_name();
    read_trigger();
    read_when();
    occasion_.trigger = task_.trigger;
    occasion_.when = task_.when;
    read_conditions();
    read_duration("timeout", task_.timeout);
    read_duration("backoff", task_.backoff);
    read_replay();
    if (const JsonNode* const value = object_.find("deadLetter")) {
      task_.dead_letter = read_dead_letter(*value, problems_);
    }
    read_action();
    read_attempts();
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

  template <class Value, std::size_t kCount>
  std::optional<Value> read_value(std::string_view key,
                                  const std::array<TaskWord<Value>, kCount>& words) {
    const JsonNode* const node = object_.find(key);
    if (node == nullptr) {
      return std::nullopt;
    }
    std::array<std::string_view, kCount> names;
    std::transform(
        words.begin(), words.end(), names.begin(), [](const auto& entry) { return entry.word; });
    const auto index = read_word(*node, in_quotes(key), names, problems_);
    return index ? std::optional(words.at(*index).value) : std::nullopt;
  }

  void read_trigger() {
    task_.trigger = read_value("trigger", kTriggerWords).value_or(task_.trigger);
    if (task_.trigger == Trigger::demand) {
      task_.when = When::always;
    }
  }

  void read_when() {
    const auto when = read_value("when", kWhenWords);
    if (!when) {
      return;
    }
    if (task_.trigger == Trigger::demand && *when != When::always) {
      problems_.add(object_.find("when")->position,
                    fmt::format("\"when\": {} is not allowed with \"trigger\": \"demand\", which "
                                "runs whatever the outcome",
                                in_quotes(word_of(*when, kWhenWords))));
      return;
    }
    task_.when = *when;
  }

  void read_conditions() {
    const JsonNode* const value = object_.find("match");
    if (value == nullptr) {
      return;
    }
    if (task_.trigger == Trigger::demand) {
      problems_.add(value->key_position, R"("match" is not allowed with "trigger": "demand")");
      return;
    }
    task_.match = read_match(*value, occasion_, problems_);
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
    const TemplateReader templates(occasion_, problems_);
    const JsonNode* first = nullptr;
    for (const JsonNode& member : node_.items) {
      const auto* const key = std::find(kActionKeys.begin(), kActionKeys.end(), member.key);
      if (key == kActionKeys.end() || &member != object_.find(member.key)) {
        continue;
      }
      const ActionReader& reader =
          kActionReaders.at(static_cast<std::size_t>(key - kActionKeys.begin()));
      Action action = reader.read(member, templates);
      if (first != nullptr) {
        problems_.add(member.key_position,
                      fmt::format("{} is a second action beside {} at {}, a task has exactly one",
                                  in_quotes(member.key),
                                  in_quotes(first->key),
                                  line_and_column(first->key_position)));
        continue;
      }
      first = &member;
      task_.action = std::move(action);
      task_.attempts = reader.attempts;
    }
    if (first == nullptr && !misspelt_action()) {
      problems_.add(node_.position,
                    fmt::format("the action is missing, a task needs one of \"{}\"",
                                fmt::join(kActionKeys, "\", \"")));
    }
  }

  [[nodiscard]] bool misspelt_action() const {
    return std::any_of(kActionKeys.begin(), kActionKeys.end(), [this](std::string_view action) {
      return object_.misspelt(action);
    });
  }

  const JsonNode& node_;
  ObjectReader object_;
  ProblemList& problems_;
  TaskOccasion occasion_;
  Task task_;
};

}  // namespace

Task read_task(const JsonNode& node, TaskOrigin origin, ProblemList& problems) {
  if (node.kind != JsonKind::object) {
    problems.add_wrong_type(node, "a task", "an object");
    return {};
  }
  return TaskReader(node, origin, problems).read();
}

}  // namespace postlude::runtime
