#include "tests/emulator/cfn_evaluator.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace postlude::emulator {
namespace {

/// A name may refer to itself; no template nests functions so deep.
constexpr int kMostDepth = 64;

CfnNode list_of(const std::vector<std::string>& texts, int line) {
  CfnNode node;
  node.kind = CfnNode::Kind::list;
  node.line = line;
  for (const std::string& text : texts) {
    node.items.push_back(cfn_text(text, line));
  }
  return node;
}

std::vector<std::string> parts_of(const std::string& text, const std::string& delimiter) {
  std::vector<std::string> parts;
  std::size_t begin = 0;
  for (std::size_t at = text.find(delimiter); at != std::string::npos;
       at = text.find(delimiter, begin)) {
    parts.push_back(text.substr(begin, at - begin));
    begin = at + delimiter.size();
  }
  parts.push_back(text.substr(begin));
  return parts;
}

/// Pseudo parameters; a stack of that name does not exist.
std::optional<std::string> pseudo_parameter(const std::string& name, const CfnPlace& place) {
  if (name == "AWS::Region") {
    return place.region;
  }
  if (name == "AWS::AccountId") {
    return place.account;
  }
  if (name == "AWS::StackId") {
    return fmt::format("arn:aws:cloudformation:{}:{}:stack/local/1", place.region, place.account);
  }
  constexpr std::array<std::pair<std::string_view, std::string_view>, 3> kFixed{
      {{"AWS::Partition", "aws"},
       {"AWS::StackName", "local"},
       {"AWS::URLSuffix", "amazonaws.com"}}};
  const auto* found = std::find_if(
      kFixed.begin(), kFixed.end(), [&](const auto& one) { return one.first == name; });
  return found == kFixed.end() ? std::nullopt : std::optional(std::string(found->second));
}

bool is_call(const CfnNode& node) {
  return node.members.size() == 1 &&
         (node.members.front().first == "Ref" || node.members.front().first.starts_with("Fn::"));
}

/// What SAM makes of a function without being told: its URL, its role.
std::optional<CfnResource> implied_resource(const CfnScope& scope, const std::string& id) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 2> kImplied{
      {{"Url", "AWS::Lambda::Url"}, {"Role", "AWS::IAM::Role"}}};
  for (const auto& [ending, type] : kImplied) {
    const std::string function =
        id.ends_with(ending) ? id.substr(0, id.size() - ending.size()) : "";
    const CfnNode* owner = scope.resource(function);
    if (owner != nullptr && type_of(*owner) == "AWS::Serverless::Function") {
      return CfnResource{id, std::string(type), id};
    }
  }
  if (id == "ServerlessHttpApi" || id == "ServerlessRestApi") {
    return CfnResource{id, "AWS::ApiGateway::RestApi", id};
  }
  return std::nullopt;
}

}  // namespace

CfnEvaluator::Value CfnEvaluator::value(const CfnNode& node) {
  if (depth_ >= kMostDepth) {
    return scope_.error(node.line, "this refers to itself");
  }
  ++depth_;
  Value result = node.kind == CfnNode::Kind::map    ? value_of_map(node)
                 : node.kind == CfnNode::Kind::list ? value_of_list(node)
                                                    : Value(node);
  --depth_;
  return result;
}

CfnEvaluator::Value CfnEvaluator::value_of_map(const CfnNode& node) {
  if (is_call(node)) {
    return call(node.members.front().first, node.members.front().second);
  }
  CfnNode result;
  result.kind = CfnNode::Kind::map;
  result.line = node.line;
  for (const auto& [name, member] : node.members) {
    Value one = value(member);
    if (!one) {
      return one;
    }
    if (*one) {
      result.members.emplace_back(name, std::move(**one));
    }
  }
  return result;
}

CfnEvaluator::Value CfnEvaluator::value_of_list(const CfnNode& node) {
  CfnNode result;
  result.kind = CfnNode::Kind::list;
  result.line = node.line;
  for (const CfnNode& item : node.items) {
    Value one = value(item);
    if (!one) {
      return one;
    }
    if (*one) {
      result.items.push_back(std::move(**one));
    }
  }
  return result;
}

CfnEvaluator::Value CfnEvaluator::call(const std::string& function, const CfnNode& argument) {
  using Member = Value (CfnEvaluator::*)(const CfnNode&);
  static constexpr std::array<std::pair<std::string_view, Member>, 12> kFunctions{
      {{"Ref", &CfnEvaluator::ref},
       {"Fn::Base64", &CfnEvaluator::base64},
       {"Fn::FindInMap", &CfnEvaluator::find_in_map},
       {"Fn::GetAZs", &CfnEvaluator::availability_zones},
       {"Fn::GetAtt", &CfnEvaluator::get_att},
       {"Fn::If", &CfnEvaluator::choose},
       {"Fn::Join", &CfnEvaluator::join},
       {"Fn::Length", &CfnEvaluator::length},
       {"Fn::Select", &CfnEvaluator::select},
       {"Fn::Split", &CfnEvaluator::split},
       {"Fn::Sub", &CfnEvaluator::sub},
       {"Fn::ToJsonString", &CfnEvaluator::json_text}}};
  const auto* found = std::find_if(
      kFunctions.begin(), kFunctions.end(), [&](const auto& one) { return one.first == function; });
  if (found == kFunctions.end()) {
    return scope_.error(argument.line, function + " has no value outside a stack");
  }
  return (this->*found->second)(argument);
}

CfnEvaluator::Value CfnEvaluator::ref(const CfnNode& argument) {
  return reference(argument.text, argument.line);
}

CfnEvaluator::Value CfnEvaluator::reference(const std::string& name, int line) {
  if (name == "AWS::NoValue") {
    return std::nullopt;
  }
  if (name == "AWS::NotificationARNs") {
    return list_of({}, line);
  }
  if (auto pseudo = pseudo_parameter(name, scope_.place())) {
    return cfn_text(std::move(*pseudo), line);
  }
  const CfnNode* parameters = scope_.document().find("Parameters");
  const CfnNode* declaration = parameters == nullptr ? nullptr : parameters->find(name);
  if (declaration != nullptr) {
    return parameter(name, *declaration, line);
  }
  const auto found = resource(name, line);
  if (!found) {
    return tl::unexpected(found.error());
  }
  return cfn_text(ref_value(*found, scope_.place()), line);
}

CfnEvaluator::Value CfnEvaluator::parameter(const std::string& name,
                                            const CfnNode& declaration,
                                            int line) {
  const auto given = scope_.setting_.parameters.find(name);
  const CfnNode* standard = declaration.find("Default");
  if (given == scope_.setting_.parameters.end() && standard == nullptr) {
    return scope_.error(
        line,
        fmt::format("the parameter {} has no default; give it by --parameter {}=...", name, name));
  }
  const std::string type = type_of(declaration);
  if (given == scope_.setting_.parameters.end() && type.starts_with("AWS::SSM::Parameter::Value")) {
    return scope_.error(
        line,
        fmt::format("the value of the parameter {} lies in Parameter Store; give it "
                    "by --parameter {}=...",
                    name,
                    name));
  }
  const std::string& text =
      given == scope_.setting_.parameters.end() ? standard->text : given->second;
  if (type == "CommaDelimitedList" || type.find("List<") != std::string::npos) {
    return list_of(parts_of(text, ","), line);
  }
  return cfn_text(text, line);
}

Result<CfnResource> CfnEvaluator::resource(const std::string& id, int line) {
  const CfnNode* node = scope_.resource(id);
  if (node == nullptr) {
    if (auto implied = implied_resource(scope_, id)) {
      return *implied;
    }
    return scope_.error(line, fmt::format("'{}' is neither a parameter nor a resource", id));
  }
  CfnResource found{id, type_of(*node), id};
  const CfnNode* properties = node->find("Properties");
  const std::string key = name_property(found.type);
  const CfnNode* name = properties == nullptr || key.empty() ? nullptr : properties->find(key);
  if (name != nullptr) {
    auto given = text(*name);
    if (!given) {
      return tl::unexpected(given.error());
    }
    found.name = std::move(*given);
  }
  return found;
}

CfnEvaluator::Value CfnEvaluator::get_att(const CfnNode& argument) {
  if (argument.kind == CfnNode::Kind::text) {
    const std::size_t dot = argument.text.find('.');
    return attribute(argument.text.substr(0, dot),
                     dot == std::string::npos ? "" : argument.text.substr(dot + 1),
                     argument.line);
  }
  const auto names = list(argument, 2);
  if (!names) {
    return tl::unexpected(names.error());
  }
  return attribute((*names)[0].text, (*names)[1].text, argument.line);
}

CfnEvaluator::Value CfnEvaluator::attribute(const std::string& id,
                                            const std::string& name,
                                            int line) {
  const auto found = resource(id, line);
  if (!found) {
    return tl::unexpected(found.error());
  }
  auto known = attribute_value(*found, name, scope_.place());
  if (!known) {
    return scope_.error(
        line,
        fmt::format("the attribute '{}' of {} ({}) has no value here", name, id, found->type));
  }
  return cfn_text(std::move(*known), line);
}

CfnEvaluator::Value CfnEvaluator::split(const CfnNode& argument) {
  const auto given = list(argument, 2);
  if (!given) {
    return tl::unexpected(given.error());
  }
  if ((*given)[0].text.empty()) {
    return scope_.error(argument.line, "Fn::Split needs a delimiter");
  }
  return list_of(parts_of((*given)[1].text, (*given)[0].text), argument.line);
}

CfnEvaluator::Value CfnEvaluator::select(const CfnNode& argument) {
  const auto given = list(argument, 2);
  if (!given) {
    return tl::unexpected(given.error());
  }
  const std::string& digits = (*given)[0].text;
  std::size_t index = 0;
  const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), index);
  const auto& items = (*given)[1].items;
  if (parsed.ec != std::errc{} || index >= items.size()) {
    return scope_.error(
        argument.line,
        fmt::format("Fn::Select: no item '{}' among {} (from 0)", digits, items.size()));
  }
  return items[index];
}

CfnEvaluator::Value CfnEvaluator::availability_zones(const CfnNode& argument) {
  auto region = text(argument);
  if (!region) {
    return tl::unexpected(region.error());
  }
  const std::string& name = region->empty() ? scope_.place().region : *region;
  return list_of({name + "a", name + "b", name + "c"}, argument.line);
}

Result<std::string> CfnEvaluator::text(const CfnNode& node) {
  Value result = value(node);
  if (!result) {
    return tl::unexpected(result.error());
  }
  if (!*result || (*result)->kind == CfnNode::Kind::null) {
    return std::string();
  }
  if ((*result)->kind != CfnNode::Kind::text) {
    return scope_.error(node.line, "text is needed here, not a list or a map");
  }
  return std::move((*result)->text);
}

Result<std::vector<CfnNode>> CfnEvaluator::list(const CfnNode& node, std::size_t least) {
  Value result = value(node);
  if (!result) {
    return tl::unexpected(result.error());
  }
  if (!*result || (*result)->kind != CfnNode::Kind::list || (*result)->items.size() < least) {
    return scope_.error(node.line, fmt::format("a list of at least {} is needed here", least));
  }
  return std::move((*result)->items);
}

}  // namespace postlude::emulator
