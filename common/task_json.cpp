#include "common/task_json.h"

#include "common/task_limits.h"

#include <nlohmann/json.hpp>

#include <array>
#include <cstdint>
#include <utility>

namespace postlude {
namespace {

using nlohmann::json;

template <class Value>
struct Named {
  Value value;
  std::string_view name;
};

constexpr std::array<Named<Trigger>, 2> kTriggers{
    {{Trigger::invocation, "invocation"}, {Trigger::demand, "demand"}}};
constexpr std::array<Named<When>, 3> kWhens{
    {{When::success, "success"}, {When::failure, "failure"}, {When::always, "always"}}};

template <class Value, std::size_t kCount>
std::string name_of(Value value, const std::array<Named<Value>, kCount>& names) {
  for (const Named<Value>& entry : names) {
    if (entry.value == value) {
      return std::string(entry.name);
    }
  }
  return {};
}

json command_to_json(const CommandAction& action) {
  json env = json::array();
  for (const auto& [name, value] : action.env) {
    env.push_back(json::array({name, value}));
  }
  json cwd;
  if (action.cwd) {
    cwd = *action.cwd;
  }
  return json{{"argv", action.argv}, {"env", std::move(env)}, {"cwd", std::move(cwd)}};
}

/// Reads members of one object and keeps the first error; a failed read yields an empty value.
class Members {
 public:
  explicit Members(const json& object) : object_(object) {
    if (!object.is_object()) {
      refuse("task", "is not an object");
    }
  }

  const json* find(const char* name) {
    const auto member = object_.find(name);  // end() where it is no object
    if (member == object_.end()) {
      refuse(name, "is missing");
      return nullptr;
    }
    return &*member;
  }

  std::string text(const char* name) {
    const json* const value = find(name);
    return value != nullptr ? text_of(*value, name) : std::string();
  }

  std::string text_of(const json& value, std::string_view name) {
    const auto* const text = value.get_ptr<const json::string_t*>();
    if (text == nullptr) {
      refuse(name, "is not a string");
      return {};
    }
    return *text;
  }

  bool flag(const char* name) {
    const json* const value = find(name);
    if (value == nullptr || !value->is_boolean()) {
      refuse(name, "is not true or false");
      return false;
    }
    return *value->get_ptr<const json::boolean_t*>();
  }

  /// From 1 to `largest`.
  std::int64_t count(const char* name, std::int64_t largest) {
    const json* const value = find(name);
    // Unsigned values over the range of int64 show as negative ones here, and are refused as such.
    const auto* const number =
        value != nullptr ? value->get_ptr<const json::number_integer_t*>() : nullptr;
    if (number == nullptr || *number < 1 || *number > largest) {
      refuse(name, "is not a whole number from 1 to " + std::to_string(largest));
      return 1;
    }
    return *number;
  }

  template <class Value, std::size_t kCount>
  Value one_of(const char* name, const std::array<Named<Value>, kCount>& names) {
    const std::string found = text(name);
    for (const Named<Value>& entry : names) {
      if (entry.name == found) {
        return entry.value;
      }
    }
    refuse(name, "has an unknown value");
    return names.front().value;
  }

  void refuse(std::string_view name, std::string_view what) {
    if (problem_.empty()) {
      problem_.append(name).append(" ").append(what);
    }
  }

  [[nodiscard]] const std::string& problem() const { return problem_; }

 private:
  const json& object_;
  std::string problem_;
};

void read_argv(Members& members, CommandAction& action) {
  const json* const argv = members.find("argv");
  if (argv == nullptr || !argv->is_array() || argv->empty()) {
    members.refuse("argv", "is not an array with a program");
    return;
  }
  for (const json& argument : *argv) {
    action.argv.push_back(members.text_of(argument, "argv"));
  }
}

void read_env(Members& members, CommandAction& action) {
  const json* const env = members.find("env");
  if (env == nullptr || !env->is_array()) {
    members.refuse("env", "is not an array");
    return;
  }
  for (const json& pair : *env) {
    if (!pair.is_array() || pair.size() != 2) {
      members.refuse("env", "holds something else than pairs");
      return;
    }
    action.env.emplace_back(members.text_of(pair[0], "env"), members.text_of(pair[1], "env"));
  }
}

Result<CommandAction> command_from_json(const json& value) {
  CommandAction action;
  Members members(value);
  read_argv(members, action);
  read_env(members, action);
  if (const json* const cwd = members.find("cwd"); cwd != nullptr && !cwd->is_null()) {
    action.cwd = members.text_of(*cwd, "cwd");
  }
  if (!members.problem().empty()) {
    return fail("command: " + members.problem());
  }
  return action;
}

}  // namespace

json task_to_json(const Task& task) {
  return json{{"name", task.name},
              {"trigger", name_of(task.trigger, kTriggers)},
              {"when", name_of(task.when, kWhens)},
              {"timeoutMs", task.timeout.count()},
              {"attempts", task.attempts},
              {"backoffMs", task.backoff.count()},
              {"replay", task.replay},
              {"command", command_to_json(std::get<CommandAction>(task.action))}};
}

Result<Task> task_from_json(const json& value) {
  Members members(value);
  Task task;
  task.name = members.text("name");
  if (!valid_task_name(task.name)) {
    members.refuse("name", "is not a task name");
  }
  task.trigger = members.one_of("trigger", kTriggers);
  task.when = members.one_of("when", kWhens);
  task.timeout = Millis(members.count("timeoutMs", kMaxDuration.count()));
  task.attempts = static_cast<int>(members.count("attempts", kMaxAttempts));
  task.backoff = Millis(members.count("backoffMs", kMaxDuration.count()));
  task.replay = members.flag("replay");
  const json* const command = members.find("command");
  if (!members.problem().empty()) {
    return fail(members.problem());
  }
  auto action = command_from_json(*command);
  if (!action) {
    return tl::unexpected<Error>(std::move(action.error()));
  }
  task.action = std::move(*action);
  return task;
}

}  // namespace postlude
