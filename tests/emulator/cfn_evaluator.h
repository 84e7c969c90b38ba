#pragma once

#include "tests/emulator/cfn_scope.h"

#include <string>
#include <vector>

namespace postlude::emulator {

/// One evaluation of intrinsic functions: CfnScope::resolve does it.
class CfnEvaluator {
 public:
  using Value = Result<std::optional<CfnNode>>;

  explicit CfnEvaluator(const CfnScope& scope) : scope_(scope) {}

  [[nodiscard]] Value value(const CfnNode& node);
  [[nodiscard]] Result<bool> condition(const std::string& name, int line);

 private:
  [[nodiscard]] Value value_of_map(const CfnNode& node);
  [[nodiscard]] Value value_of_list(const CfnNode& node);
  [[nodiscard]] Value call(const std::string& function, const CfnNode& argument);

  [[nodiscard]] Value ref(const CfnNode& argument);
  [[nodiscard]] Value parameter(const std::string& name, const CfnNode& declaration, int line);
  [[nodiscard]] Value reference(const std::string& name, int line);
  [[nodiscard]] Value get_att(const CfnNode& argument);
  [[nodiscard]] Value attribute(const std::string& id, const std::string& name, int line);
  [[nodiscard]] Value sub(const CfnNode& argument);
  [[nodiscard]] Value join(const CfnNode& argument);
  [[nodiscard]] Value select(const CfnNode& argument);
  [[nodiscard]] Value split(const CfnNode& argument);
  [[nodiscard]] Value find_in_map(const CfnNode& argument);
  [[nodiscard]] Value choose(const CfnNode& argument);
  [[nodiscard]] Value base64(const CfnNode& argument);
  [[nodiscard]] Value availability_zones(const CfnNode& argument);
  [[nodiscard]] Value length(const CfnNode& argument);
  [[nodiscard]] Value json_text(const CfnNode& argument);

  [[nodiscard]] Result<bool> truth(const CfnNode& node);
  [[nodiscard]] Result<bool> combine(const std::string& function, const CfnNode& argument);
  [[nodiscard]] Result<std::string> substituted(const std::string& text,
                                                const CfnNode* variables,
                                                int line);
  [[nodiscard]] Result<std::string> variable_of_sub(const std::string& name,
                                                    const CfnNode* variables,
                                                    int line);
  [[nodiscard]] Result<CfnResource> resource(const std::string& id, int line);

  /// The argument as text, or as a list of at least `least` items, with its functions evaluated.
  [[nodiscard]] Result<std::string> text(const CfnNode& node);
  [[nodiscard]] Result<std::vector<CfnNode>> list(const CfnNode& node, std::size_t least);

  const CfnScope& scope_;
  int depth_ = 0;
};

}  // namespace postlude::emulator
