#pragma once

#include "common/error.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace postlude::emulator {

/// A value of a CloudFormation template and where it stands. Numbers and truth values are texts, as
/// CloudFormation turns them into each other freely.
struct CfnNode {
  enum class Kind { null, text, list, map };
  Kind kind = Kind::null;
  std::string text{};
  std::vector<CfnNode> items{};
  std::vector<std::pair<std::string, CfnNode>> members{};  ///< in the order of the file
  int line = 0;                                            ///< from 1

  /// Null if this is no map or has no such member.
  [[nodiscard]] const CfnNode* find(std::string_view name) const;
};

[[nodiscard]] CfnNode cfn_text(std::string text, int line);

/// YAML or JSON. The short forms of intrinsic functions become the long ones: `!Ref X` is
/// {"Ref": "X"}, `!GetAtt A.B` is {"Fn::GetAtt": ["A", "B"]}, `!Sub ...` is {"Fn::Sub": ...}.
/// Messages begin with the line: "12: ...".
[[nodiscard]] Result<CfnNode> read_cfn(const std::string& text);

}  // namespace postlude::emulator
