// The functions of CfnEvaluator that make text of values, choose between them, and judge.
#include "common/base64.h"
#include "common/json_text.h"
#include "tests/emulator/cfn_evaluator.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace postlude::emulator {
namespace {

bool same(const CfnNode& left, const CfnNode& right) {
  if (left.kind != right.kind || left.text != right.text ||
      left.items.size() != right.items.size()) {
    return false;
  }
  return std::equal(left.items.begin(), left.items.end(), right.items.begin(), same);
}

nlohmann::json json_of(const CfnNode& node) {
  nlohmann::json result;
  switch (node.kind) {
    case CfnNode::Kind::null:
      break;
    case CfnNode::Kind::text:
      result = node.text;
      break;
    case CfnNode::Kind::list:
      result = nlohmann::json::array();
      for (const CfnNode& item : node.items) {
        result.push_back(json_of(item));
      }
      break;
    case CfnNode::Kind::map:
      result = nlohmann::json::object();
      for (const auto& [name, member] : node.members) {
        result[name] = json_of(member);
      }
      break;
  }
  return result;
}

}  // namespace

CfnEvaluator::Value CfnEvaluator::sub(const CfnNode& argument) {
  const bool pair = argument.kind == CfnNode::Kind::list;
  if (pair && argument.items.size() != 2) {
    return scope_.error(argument.line, "Fn::Sub takes a text, or a list of a text and a map");
  }
  const CfnNode& format = pair ? argument.items[0] : argument;
  auto result = substituted(format.text, pair ? &argument.items[1] : nullptr, argument.line);
  if (!result) {
    return tl::unexpected(result.error());
  }
  return cfn_text(std::move(*result), argument.line);
}

Result<std::string> CfnEvaluator::substituted(const std::string& text,
                                              const CfnNode* variables,
                                              int line) {
  std::string result;
  std::size_t at = 0;
  for (std::size_t begin = text.find("${"); begin != std::string::npos;
       begin = text.find("${", at)) {
    const std::size_t end = text.find('}', begin);
    if (end == std::string::npos) {
      return scope_.error(line, "Fn::Sub: '${' is never closed");
    }
    result += text.substr(at, begin - at);
    const std::string name = text.substr(begin + 2, end - begin - 2);
    at = end + 1;
    if (name.starts_with('!')) {
      result += "${" + name.substr(1) + "}";
      continue;
    }
    auto value = variable_of_sub(name, variables, line);
    if (!value) {
      return value;
    }
    result += *value;
  }
  return result + text.substr(at);
}

Result<std::string> CfnEvaluator::variable_of_sub(const std::string& name,
                                                  const CfnNode* variables,
                                                  int line) {
  if (const CfnNode* own = variables == nullptr ? nullptr : variables->find(name)) {
    return text(*own);
  }
  const std::size_t dot = name.find('.');
  Value found = dot == std::string::npos
                    ? reference(name, line)
                    : attribute(name.substr(0, dot), name.substr(dot + 1), line);
  if (!found) {
    return tl::unexpected(found.error());
  }
  return *found ? text(**found) : Result<std::string>(std::string());
}

CfnEvaluator::Value CfnEvaluator::join(const CfnNode& argument) {
  const auto given = list(argument, 2);
  if (!given) {
    return tl::unexpected(given.error());
  }
  std::string result;
  const auto& items = (*given)[1].items;
  for (std::size_t index = 0; index < items.size(); ++index) {
    const auto item = text(items[index]);
    if (!item) {
      return tl::unexpected(item.error());
    }
    result += (index == 0 ? "" : (*given)[0].text) + *item;
  }
  return cfn_text(std::move(result), argument.line);
}

CfnEvaluator::Value CfnEvaluator::find_in_map(const CfnNode& argument) {
  const auto keys = list(argument, 3);
  if (!keys) {
    return tl::unexpected(keys.error());
  }
  const CfnNode* found = scope_.document().find("Mappings");
  for (std::size_t index = 0; index < 3 && found != nullptr; ++index) {
    found = found->find((*keys)[index].text);
  }
  if (found == nullptr && keys->size() > 3) {
    found = (*keys)[3].find("DefaultValue");
  }
  if (found == nullptr) {
    return scope_.error(argument.line,
                        fmt::format("Fn::FindInMap: Mappings has no {}.{}.{}",
                                    (*keys)[0].text,
                                    (*keys)[1].text,
                                    (*keys)[2].text));
  }
  return *found;
}

CfnEvaluator::Value CfnEvaluator::choose(const CfnNode& argument) {
  if (argument.items.size() != 3) {
    return scope_.error(argument.line, "Fn::If takes a condition and two values");
  }
  const auto chosen = condition(argument.items[0].text, argument.line);
  if (!chosen) {
    return tl::unexpected(chosen.error());
  }
  return value(argument.items[*chosen ? 1 : 2]);
}

CfnEvaluator::Value CfnEvaluator::base64(const CfnNode& argument) {
  const auto plain = text(argument);
  if (!plain) {
    return tl::unexpected(plain.error());
  }
  return cfn_text(base64_encode(*plain), argument.line);
}

CfnEvaluator::Value CfnEvaluator::length(const CfnNode& argument) {
  const auto items = list(argument, 0);
  if (!items) {
    return tl::unexpected(items.error());
  }
  return cfn_text(std::to_string(items->size()), argument.line);
}

CfnEvaluator::Value CfnEvaluator::json_text(const CfnNode& argument) {
  const auto plain = value(argument);
  if (!plain) {
    return tl::unexpected(plain.error());
  }
  return cfn_text(*plain ? dump_json(json_of(**plain)) : "null", argument.line);
}

Result<bool> CfnEvaluator::condition(const std::string& name, int line) {
  const CfnNode* conditions = scope_.document().find("Conditions");
  const CfnNode* found = conditions == nullptr ? nullptr : conditions->find(name);
  if (found == nullptr) {
    return scope_.error(line, fmt::format("there is no condition '{}'", name));
  }
  return truth(*found);
}

Result<bool> CfnEvaluator::truth(const CfnNode& node) {
  constexpr int kMostNesting = 32;
  if (node.members.size() != 1 || depth_ > kMostNesting) {
    return scope_.error(node.line,
                        "a condition is Fn::Equals, Fn::And, Fn::Or, Fn::Not or Condition");
  }
  const auto& [function, argument] = node.members.front();
  ++depth_;
  auto result = function == "Condition" ? condition(argument.text, argument.line)
                                        : combine(function, argument);
  --depth_;
  return result;
}

Result<bool> CfnEvaluator::combine(const std::string& function, const CfnNode& argument) {
  if (function == "Fn::Equals") {
    const auto sides = list(argument, 2);
    if (!sides) {
      return tl::unexpected(sides.error());
    }
    return same((*sides)[0], (*sides)[1]);
  }
  const bool any = function == "Fn::Or";
  const bool none = function == "Fn::Not";
  if ((!any && !none && function != "Fn::And") || argument.items.empty()) {
    return scope_.error(argument.line, function + " is no condition");
  }
  for (const CfnNode& item : argument.items) {
    const auto one = truth(item);
    if (!one || none) {
      return one ? Result<bool>(!*one) : one;
    }
    if (*one == any) {
      return any;
    }
  }
  return !any;
}

}  // namespace postlude::emulator
