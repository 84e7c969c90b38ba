#include "runtime/defer_request.h"

#include "common/json_node.h"
#include "common/json_positions.h"
#include "common/json_slice.h"
#include "common/json_text.h"
#include "common/near_miss.h"
#include "common/task_words.h"
#include "runtime/problem_list.h"
#include "runtime/task_reader.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <utility>

namespace postlude::runtime {
namespace {

tl::unexpected<ApiError> malformed(std::string message) {
  return tl::unexpected(ApiError{400, "MalformedTask", std::move(message)});
}

/// The request without its payload, which may be large and is never read.
std::string definition_of(const std::vector<JsonSlice>& members) {
  std::string text = "{";
  for (const JsonSlice& member : members) {
    if (member.key != "payload") {
      text.append(text.size() > 1 ? "," : "").append(dump_json(member.key)).append(":");
      text.append(member.value);
    }
  }
  return text + "}";
}

tl::expected<Task, ApiError> read_named(const JsonNode& definition,
                                        const std::vector<Task>& configured) {
  const JsonNode& name = *std::find_if(definition.items.begin(),
                                       definition.items.end(),
                                       [](const JsonNode& member) { return member.key == "task"; });
  if (name.kind != JsonKind::string) {
    return malformed(fmt::format("\"task\" must be the name of a task, found {}", describe(name)));
  }
  if (definition.items.size() > 1) {
    return malformed(R"(beside "task" there may only be "payload": the rest is configured)");
  }
  const auto found = std::find_if(configured.begin(), configured.end(), [&name](const Task& task) {
    return task.name == name.text;
  });
  if (found != configured.end()) {
    return *found;
  }
  std::vector<std::string_view> names;
  names.reserve(configured.size());
  for (const Task& task : configured) {
    names.push_back(task.name);
  }
  std::string message = fmt::format("no task {} in POSTLUDE_TASKS", dump_json(name.text));
  if (const auto guess = near_miss(name.text, names)) {
    message += fmt::format(", did you mean \"{}\"?", *guess);
  } else if (!names.empty()) {
    message += fmt::format("; there is \"{}\"", fmt::join(names, "\", \""));
  }
  return tl::unexpected(ApiError{404, "UnknownTask", std::move(message)});
}

/// What a task without a name is called.
std::string_view action_key(const JsonNode& definition) {
  for (const std::string_view key : kActionKeys) {
    if (find_member(definition, key) != nullptr) {
      return key;
    }
  }
  return kActionKeys.front();
}

/// It runs whatever the outcome, once: what says otherwise has no place in it.
tl::expected<Task, ApiError> read_inline(JsonNode definition) {
  ProblemList problems;
  for (const std::string_view key : {"trigger", "when", "match"}) {
    const auto had = std::erase_if(definition.items,
                                   [key](const JsonNode& member) { return member.key == key; });
    if (had > 0) {
      problems.add({}, fmt::format("\"{}\" is not allowed in a deferred task", key));
    }
  }
  const bool named = std::any_of(definition.items.begin(),
                                 definition.items.end(),
                                 [](const JsonNode& member) { return member.key == "name"; });
  if (!named) {
    JsonNode& name = definition.items.emplace_back();
    name.kind = JsonKind::string;
    name.key = "name";
    name.text = action_key(definition);
  }
  // Read as what it is, so that a reference to its payload is none to nothing.
  JsonNode& trigger = definition.items.emplace_back();
  trigger.kind = JsonKind::string;
  trigger.key = "trigger";
  trigger.text = word_of(Trigger::demand, kTriggerWords);
  Task task = read_task(definition, TaskOrigin::request, problems);
  if (!problems.empty()) {
    return malformed(fmt::format("{}", fmt::join(problems.messages(), "; ")));
  }
  return task;
}

tl::expected<Task, ApiError> read_definition(const std::vector<JsonSlice>& members,
                                             const std::vector<Task>& configured) {
  const auto named = std::any_of(
      members.begin(), members.end(), [](const JsonSlice& member) { return member.key == "task"; });
  auto definition = parse_positioned_json(definition_of(members));
  if (!definition) {
    return malformed(definition.error().message);
  }
  return named ? read_named(*definition, configured) : read_inline(std::move(*definition));
}

}  // namespace

tl::expected<DeferRequest, ApiError> parse_defer_request(std::string_view body,
                                                         const std::vector<Task>& configured) {
  const auto members = slice_object(body);
  if (!members) {
    return malformed("the body is no task: " + members.error().message);
  }
  DeferRequest request;
  request.payload = "null";
  std::size_t payloads = 0;
  for (const JsonSlice& member : *members) {
    if (member.key == "payload") {
      request.payload = member.value;
      ++payloads;
    }
  }
  if (payloads > 1) {
    return malformed("the key \"payload\" comes twice");
  }
  if (request.payload.size() > kMaxPayloadBytes) {
    return tl::unexpected(
        ApiError{413,
                 "PayloadTooLarge",
                 fmt::format("the payload takes {} bytes, at most {} are possible",
                             request.payload.size(),
                             kMaxPayloadBytes)});
  }
  auto task = read_definition(*members, configured);
  if (!task) {
    return tl::unexpected(std::move(task.error()));
  }
  request.task = std::move(*task);
  return request;
}

}  // namespace postlude::runtime
