#include "tests/emulator/cfn_node.h"

#include <fmt/format.h>

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <array>

namespace postlude::emulator {
namespace {

/// Deeper than any template; an alias may stand for something that holds itself.
constexpr int kMostDepth = 100;

constexpr std::array<std::string_view, 17> kShortForms{"And",
                                                       "Base64",
                                                       "Cidr",
                                                       "Equals",
                                                       "FindInMap",
                                                       "GetAZs",
                                                       "If",
                                                       "ImportValue",
                                                       "Join",
                                                       "Length",
                                                       "Not",
                                                       "Or",
                                                       "Select",
                                                       "Split",
                                                       "Sub",
                                                       "ToJsonString",
                                                       "Transform"};

int line_of(const YAML::Node& yaml) {
  return yaml.Mark().line + 1;
}

CfnNode call(const std::string& name, CfnNode argument) {
  CfnNode node;
  node.kind = CfnNode::Kind::map;
  node.line = argument.line;
  node.members.emplace_back(name, std::move(argument));
  return node;
}

/// `A.B.C` is the attribute `B.C` of A.
CfnNode attribute_call(const CfnNode& argument) {
  if (argument.kind != CfnNode::Kind::text) {
    return call("Fn::GetAtt", argument);
  }
  CfnNode pair;
  pair.kind = CfnNode::Kind::list;
  pair.line = argument.line;
  const std::size_t dot = argument.text.find('.');
  pair.items.push_back(cfn_text(argument.text.substr(0, dot), argument.line));
  if (dot != std::string::npos) {
    pair.items.push_back(cfn_text(argument.text.substr(dot + 1), argument.line));
  }
  return call("Fn::GetAtt", std::move(pair));
}

Result<CfnNode> long_form(const std::string& tag, CfnNode node) {
  if (!tag.starts_with('!') || tag == "!" || tag.starts_with("!!")) {
    return node;
  }
  const std::string name = tag.substr(1);
  if (name == "Ref" || name == "Condition") {
    return call(name, std::move(node));
  }
  if (name == "GetAtt") {
    return attribute_call(node);
  }
  if (std::find(kShortForms.begin(), kShortForms.end(), name) == kShortForms.end()) {
    return fail(fmt::format("{}: {} is no function of CloudFormation", node.line, tag));
  }
  return call("Fn::" + name, std::move(node));
}

class YamlConverter {
 public:
  Result<CfnNode> convert(const YAML::Node& yaml) {
    if (++depth_ > kMostDepth) {
      return fail(fmt::format("{}: deeper than {} levels", line_of(yaml), kMostDepth));
    }
    CfnNode node;
    node.line = line_of(yaml);
    auto filled = fill(node, yaml);
    --depth_;
    if (!filled) {
      return tl::unexpected(filled.error());
    }
    return long_form(yaml.Tag(), std::move(node));
  }

 private:
  Result<void> fill(CfnNode& node, const YAML::Node& yaml) {
    if (yaml.IsScalar()) {
      node.kind = CfnNode::Kind::text;
      node.text = yaml.Scalar();
    } else if (yaml.IsSequence()) {
      node.kind = CfnNode::Kind::list;
      for (const YAML::Node& item : yaml) {
        auto converted = convert(item);
        if (!converted) {
          return tl::unexpected(converted.error());
        }
        node.items.push_back(std::move(*converted));
      }
    } else if (yaml.IsMap()) {
      return fill_map(node, yaml);
    }
    return {};
  }

  Result<void> fill_map(CfnNode& node, const YAML::Node& yaml) {
    node.kind = CfnNode::Kind::map;
    for (const auto& member : yaml) {
      if (!member.first.IsScalar()) {
        return fail(fmt::format("{}: a key must be text", line_of(member.first)));
      }
      const std::string& name = member.first.Scalar();
      if (node.find(name) != nullptr) {
        return fail(fmt::format("{}: '{}' stands twice in one map", line_of(member.first), name));
      }
      auto converted = convert(member.second);
      if (!converted) {
        return tl::unexpected(converted.error());
      }
      node.members.emplace_back(name, std::move(*converted));
    }
    return {};
  }

  int depth_ = 0;
};

}  // namespace

const CfnNode* CfnNode::find(std::string_view name) const {
  const auto found = std::find_if(
      members.begin(), members.end(), [&](const auto& member) { return member.first == name; });
  return found == members.end() ? nullptr : &found->second;
}

CfnNode cfn_text(std::string text, int line) {
  return {CfnNode::Kind::text, std::move(text), {}, {}, line};
}

Result<CfnNode> read_cfn(const std::string& text) {
  try {
    return YamlConverter().convert(YAML::Load(text));
  } catch (const YAML::Exception& error) {
    return fail(fmt::format("{}: {}", error.mark.line + 1, error.msg));
  }
}

}  // namespace postlude::emulator
