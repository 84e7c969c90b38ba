#include "runtime/match_config.h"

#include "common/json_node.h"
#include "runtime/object_reader.h"

#include <fmt/format.h>

#include <optional>
#include <string>

namespace postlude::runtime {
namespace {

std::optional<std::string> find_reference_problem(const std::string& text,
                                                  const TaskOccasion& occasion) {
  const auto reference = parse_reference(text);
  if (!reference) {
    return reference.error().message;
  }
  switch (reference->source) {
    case ReferenceSource::secret:
    case ReferenceSource::ssm:
      return "secrets and parameters are fetched when a task runs, they cannot select it";
    case ReferenceSource::payload:
      return "only a task that the function defers has a payload, and it needs no condition";
    default:
      return why_absent(reference->source, occasion);
  }
}

void read_value(const JsonNode& value, Condition& condition, ProblemList& problems) {
  switch (value.kind) {
    case JsonKind::string:
    case JsonKind::number:
    case JsonKind::boolean:
      condition.any_of.push_back(write_json(value));
      break;
    default:
      problems.add_wrong_type(value,
                              fmt::format("a value of {}", in_quotes(condition.reference)),
                              "a string, a number, true or false");
  }
}

Condition read_condition(const JsonNode& member,
                         const TaskOccasion& occasion,
                         ProblemList& problems) {
  Condition condition{.reference = member.key, .any_of = {}};
  if (const auto problem = find_reference_problem(member.key, occasion)) {
    problems.add(member.key_position,
                 fmt::format("\"match\": {}: {}", in_quotes(member.key), *problem));
  }
  if (member.kind != JsonKind::array) {
    read_value(member, condition, problems);
    return condition;
  }
  if (member.items.empty()) {
    problems.add(member.position,
                 fmt::format("\"match\": the list of {} is empty, so that nothing would match",
                             in_quotes(member.key)));
  }
  for (const JsonNode& value : member.items) {
    read_value(value, condition, problems);
  }
  return condition;
}

}  // namespace

std::vector<Condition> read_match(const JsonNode& node,
                                  const TaskOccasion& occasion,
                                  ProblemList& problems) {
  std::vector<Condition> match;
  if (node.kind != JsonKind::object) {
    problems.add_wrong_type(node, "\"match\"", R"(an object such as {"request.path": "/slack/*"})");
    return match;
  }
  report_duplicates(node, problems);
  for (const JsonNode& member : node.items) {
    match.push_back(read_condition(member, occasion, problems));
  }
  return match;
}

}  // namespace postlude::runtime
