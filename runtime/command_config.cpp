#include "runtime/command_config.h"

#include "runtime/object_reader.h"

#include <fmt/format.h>

#include <array>
#include <cstddef>
#include <utility>

namespace postlude::runtime {
namespace {

constexpr std::array<std::string_view, 3> kCommandKeys{"argv", "env", "cwd"};
/// What no argument, variable or path of a process can hold.
constexpr std::string_view kNul("\0", 1);

/// `label` is "command" in the short form, "argv" in the long one.
std::vector<std::string> read_argv(const JsonNode& node,
                                   std::string_view label,
                                   const TemplateReader& templates) {
  ProblemList& problems = templates.problems();
  std::vector<std::string> argv;
  if (node.items.empty()) {
    problems.add(node.position, fmt::format("\"{}\" is empty, it must name a program", label));
  }
  for (std::size_t index = 0; index < node.items.size(); ++index) {
    const JsonNode& item = node.items[index];
    const std::string item_label = fmt::format("argv[{}]", index);
    auto argument = templates.text_without(item, item_label, kNul);
    if (argument && argument->empty() && index == 0) {
      problems.add(item.position, "argv[0] is empty, it must name a program");
    }
    argv.push_back(std::move(argument).value_or(std::string()));
  }
  return argv;
}

void check_variable_name(const JsonNode& member, ProblemList& problems) {
  const auto refuse = [&](std::string_view what) {
    problems.add(member.key_position,
                 fmt::format("environment variable {} {}", in_quotes(member.key), what));
  };
  if (member.key.empty()) {
    refuse("has no name");
  } else if (member.key.find("${") != std::string::npos) {
    refuse("has a template in its name, only its value may");
  } else if (member.key.find('=') != std::string::npos) {
    refuse("has a \"=\" in its name");
  } else if (member.key.find('\0') != std::string::npos) {
    refuse("has a NUL character in its name");
  }
}

std::vector<std::pair<std::string, std::string>> read_env(const JsonNode& node,
                                                          const TemplateReader& templates) {
  ProblemList& problems = templates.problems();
  std::vector<std::pair<std::string, std::string>> env;
  if (node.kind != JsonKind::object) {
    problems.add_wrong_type(node, "\"env\"", "an object of strings");
    return env;
  }
  report_duplicates(node, problems);
  for (const JsonNode& member : node.items) {
    check_variable_name(member, problems);
    auto value = templates.text_without(
        member, fmt::format("environment variable {}", in_quotes(member.key)), kNul);
    env.emplace_back(member.key, std::move(value).value_or(std::string()));
  }
  return env;
}

CommandAction read_long_form(const JsonNode& node, const TemplateReader& templates) {
  ProblemList& problems = templates.problems();
  CommandAction action;
  const ObjectReader object(node, kCommandKeys, problems);
  const JsonNode* const argv = object.find("argv");
  if (argv == nullptr) {
    if (!object.misspelt("argv")) {
      problems.add(node.position, "the key \"argv\" is missing");
    }
  } else if (argv->kind != JsonKind::array) {
    problems.add_wrong_type(*argv, "\"argv\"", "an array of strings");
  } else {
    action.argv = read_argv(*argv, "argv", templates);
  }
  if (const JsonNode* const env = object.find("env"); env != nullptr) {
    action.env = read_env(*env, templates);
  }
  if (const JsonNode* const cwd = object.find("cwd"); cwd != nullptr) {
    action.cwd = templates.text_without(*cwd, "\"cwd\"", kNul);
    if (action.cwd && action.cwd->empty()) {
      problems.add(cwd->position, "\"cwd\" is empty");
    }
  }
  return action;
}

}  // namespace

CommandAction read_command(const JsonNode& node, const TemplateReader& templates) {
  ProblemList& problems = templates.problems();
  CommandAction action;
  switch (node.kind) {
    case JsonKind::array:
      action.argv = read_argv(node, "command", templates);
      break;
    case JsonKind::object:
      action = read_long_form(node, templates);
      break;
    case JsonKind::string:
      problems.add(node.position,
                   "\"command\" must be an array of strings or an object, found a string; there is "
                   "no shell, write [\"program\", \"argument\"]");
      break;
    default:
      problems.add_wrong_type(node, "\"command\"", "an array of strings or an object");
  }
  return action;
}

}  // namespace postlude::runtime
