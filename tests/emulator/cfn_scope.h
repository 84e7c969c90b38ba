#pragma once

#include "common/error.h"
#include "tests/emulator/cfn_local_values.h"
#include "tests/emulator/cfn_node.h"

#include <map>
#include <optional>
#include <string>

namespace postlude::emulator {

/// What the references of a template mean where there is no stack: parameters have their defaults
/// or what was given, resources the names and ARNs that they would have. Pure. Messages begin with
/// "<file>:<line>: ".
class CfnScope {
 public:
  struct Setting {
    std::string file;  ///< for messages
    CfnPlace place;
    std::map<std::string, std::string> parameters{};  ///< given; the others have their defaults
  };

  /// An error: no map with Resources, or a given parameter that the template does not have.
  static Result<CfnScope> open(CfnNode document, Setting setting);

  [[nodiscard]] const CfnNode& document() const { return document_; }
  [[nodiscard]] const CfnPlace& place() const { return setting_.place; }
  /// Null if there is no such resource.
  [[nodiscard]] const CfnNode* resource(const std::string& id) const;

  /// The value without intrinsic functions; nothing for `!Ref AWS::NoValue`, which also disappears
  /// from the maps and lists that hold it.
  [[nodiscard]] Result<std::optional<CfnNode>> resolve(const CfnNode& node) const;
  /// A condition of the section Conditions; `line` is where it is asked for.
  [[nodiscard]] Result<bool> condition(const std::string& name, int line) const;

  [[nodiscard]] tl::unexpected<Error> error(int line, const std::string& message) const;

 private:
  CfnScope(CfnNode document, Setting setting)
      : document_(std::move(document)), setting_(std::move(setting)) {}

  friend class CfnEvaluator;
  CfnNode document_;
  Setting setting_;
};

/// "AWS::SQS::Queue"; empty if it has none.
[[nodiscard]] std::string type_of(const CfnNode& resource);

}  // namespace postlude::emulator
