#include "tests/emulator/cfn_scope.h"

#include "tests/emulator/cfn_evaluator.h"

#include <fmt/format.h>

namespace postlude::emulator {

Result<CfnScope> CfnScope::open(CfnNode document, Setting setting) {
  CfnScope scope(std::move(document), std::move(setting));
  const CfnNode* resources = scope.document_.find("Resources");
  if (resources == nullptr || resources->kind != CfnNode::Kind::map) {
    return scope.error(1, "a template has a map Resources");
  }
  const CfnNode* declared = scope.document_.find("Parameters");
  for (const auto& [name, value] : scope.setting_.parameters) {
    if (declared == nullptr || declared->find(name) == nullptr) {
      return fail(fmt::format("{}: there is no parameter '{}' to give {} to",
                              scope.setting_.file,
                              name,
                              value.empty() ? "a value" : value));
    }
  }
  return scope;
}

const CfnNode* CfnScope::resource(const std::string& id) const {
  return document_.find("Resources")->find(id);
}

Result<std::optional<CfnNode>> CfnScope::resolve(const CfnNode& node) const {
  return CfnEvaluator(*this).value(node);
}

Result<bool> CfnScope::condition(const std::string& name, int line) const {
  return CfnEvaluator(*this).condition(name, line);
}

tl::unexpected<Error> CfnScope::error(int line, const std::string& message) const {
  return fail(fmt::format("{}:{}: {}", setting_.file, line, message));
}

std::string type_of(const CfnNode& resource) {
  const CfnNode* type = resource.find("Type");
  return type == nullptr ? std::string() : type->text;
}

}  // namespace postlude::emulator
