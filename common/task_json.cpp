#include "common/task_json.h"

#include "common/action_json.h"
#include "common/json_members.h"
#include "common/json_node.h"
#include "common/object_text.h"
#include "common/task_limits.h"

#include <utility>

namespace postlude {
namespace {

std::string duration_text(Millis duration) {
  return std::to_string(duration.count()) + "ms";
}

std::string match_to_json(const std::vector<Condition>& match) {
  ObjectText object;
  for (const Condition& condition : match) {
    std::string values;
    for (const std::string& value : condition.any_of) {
      values.append(values.empty() ? "" : ",").append(value);
    }
    object.json(condition.reference, condition.any_of.size() == 1 ? values : "[" + values + "]");
  }
  return object.take();
}

bool is_comparable(const JsonNode& value) {
  return value.kind == JsonKind::string || value.kind == JsonKind::number ||
         value.kind == JsonKind::boolean;
}

std::vector<Condition> read_match(JsonMembers& members) {
  std::vector<Condition> match;
  if (members.find("match") == nullptr) {
    return match;
  }
  const JsonNode* const object = members.need("match", JsonKind::object);
  if (object == nullptr) {
    return match;
  }
  for (const JsonNode& member : object->items) {
    Condition& condition = match.emplace_back();
    condition.reference = member.key;
    const bool is_list = member.kind == JsonKind::array;
    const std::size_t count = is_list ? member.items.size() : 1;
    for (std::size_t index = 0; index < count; ++index) {
      const JsonNode& value = is_list ? member.items[index] : member;
      if (!is_comparable(value)) {
        members.refuse("match", "holds a value that nothing is compared with");
      }
      condition.any_of.push_back(write_json(value));
    }
  }
  return match;
}

Result<Action> read_action(const JsonNode& task) {
  for (std::size_t index = 0; index < kActionKeys.size(); ++index) {
    if (const JsonNode* const value = find_member(task, kActionKeys.at(index))) {
      return action_from_json(index, *value);
    }
  }
  return fail("the action is missing");
}

}  // namespace

std::string task_to_json(const Task& task) {
  ObjectText object;
  object.text("name", task.name)
      .text("trigger", word_of(task.trigger, kTriggerWords))
      .text("when", word_of(task.when, kWhenWords));
  if (!task.match.empty()) {
    object.json("match", match_to_json(task.match));
  }
  object.text("timeout", duration_text(task.timeout))
      .number("attempts", task.attempts)
      .text("backoff", duration_text(task.backoff))
      .flag("replay", task.replay);
  if (task.dead_letter) {
    object.text("deadLetter", *task.dead_letter);
  }
  return object.json(kActionKeys.at(task.action.index()), action_to_json(task.action)).take();
}

Result<Task> task_from_json(std::string_view text) {
  const auto parsed = parse_positioned_json(text);
  if (!parsed) {
    return fail("task is " + parsed.error().message);
  }
  JsonMembers members(*parsed, "task");
  Task task;
  task.name = members.text("name");
  if (!valid_task_name(task.name)) {
    members.refuse("name", "is not a task name");
  }
  task.trigger = members.word("trigger", kTriggerWords);
  task.when = members.word("when", kWhenWords);
  task.match = read_match(members);
  task.timeout = members.duration("timeout");
  task.attempts = members.count("attempts", kMaxAttempts);
  task.backoff = members.duration("backoff");
  task.replay = members.flag("replay");
  task.dead_letter = members.optional_text("deadLetter");
  if (!members.problem().empty()) {
    return fail(members.problem());
  }
  auto action = read_action(*parsed);
  if (!action) {
    return tl::unexpected(std::move(action.error()));
  }
  task.action = std::move(*action);
  return task;
}

}  // namespace postlude
