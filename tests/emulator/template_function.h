#pragma once

#include "common/error.h"
#include "tests/emulator/cfn_scope.h"
#include "tests/emulator/options.h"

#include <set>
#include <string>
#include <utility>
#include <vector>

namespace postlude::emulator {

/// A layer resource of the template that a function names.
struct TemplateLayer {
  std::string id;         ///< empty: the function has no layer
  std::string content;    ///< ContentUri as it stands there
  bool is_built = false;  ///< by `sam build`, to a folder of its own (Metadata.BuildMethod)
};

/// What a SAM template says of one function: AWS::Serverless::Function with its Globals, or
/// AWS::Lambda::Function whose Code is a path. Paths are those of the template. What is wrong with
/// code, runtime and layer counts only for those who need it from here.
struct TemplateFunction {
  std::string name;
  Result<std::string> code;
  Result<std::string> runtime;
  Result<TemplateLayer> layer;
  std::string handler;
  int timeout_seconds = 3;  ///< the default of Lambda, as the next one
  int memory_mb = 128;
  std::vector<std::pair<std::string, std::string>> variables;
  UrlMode url_mode = UrlMode::buffered;
  LogFormat log_format = LogFormat::text;
};

/// Which of them, and the variables that nobody needs from the template.
struct TemplateQuestion {
  std::string resource;  ///< empty: the only function
  std::set<std::string> known_variables{};
};

/// Pure. The error names file and line, and where the resource is unknown the functions that there
/// are.
[[nodiscard]] Result<TemplateFunction> find_function(const CfnScope& scope,
                                                     const TemplateQuestion& question);

}  // namespace postlude::emulator
