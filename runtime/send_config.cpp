#include "runtime/send_config.h"

#include "common/arn.h"
#include "runtime/object_reader.h"

#include <fmt/format.h>

#include <array>

namespace postlude::runtime {
namespace {

constexpr std::array<std::string_view, 2> kSendKeys{"to", "body"};

void check_target(const JsonNode& node, std::string_view label, ProblemList& problems) {
  if (const auto target = parse_target_arn(node.text); !target) {
    problems.add(node.position,
                 fmt::format("{} is {}: {}", label, in_quotes(node.text), target.error().message));
  }
}

}  // namespace

SendAction read_send(const JsonNode& node, const TemplateReader& templates) {
  SendAction action;
  ProblemList& problems = templates.problems();
  if (node.kind != JsonKind::object) {
    problems.add_wrong_type(node, "\"send\"", R"(an object such as {"to": "arn:aws:sqs:..."})");
    return action;
  }
  const ObjectReader object(node, kSendKeys, problems);
  const JsonNode* const target = object.find("to");
  if (target == nullptr) {
    if (!object.misspelt("to")) {
      problems.add(node.position, "the key \"to\" is missing");
    }
  } else if (target->kind != JsonKind::string) {
    problems.add_wrong_type(*target, "\"to\"", "an ARN");
  } else if (const auto parsed = templates.parse(*target)) {
    if (parsed->literal()) {
      check_target(*target, "\"to\"", problems);
    }
    action.to = target->text;
  }
  if (const JsonNode* const body = object.find("body")) {
    action.body = templates.json(*body);
  }
  return action;
}

std::optional<std::string> read_dead_letter(const JsonNode& node, ProblemList& problems) {
  auto text = read_plain_text(node, "\"deadLetter\"", problems);
  if (text) {
    check_target(node, "\"deadLetter\"", problems);
  }
  return text;
}

}  // namespace postlude::runtime
