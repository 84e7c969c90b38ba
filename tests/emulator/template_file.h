#pragma once

#include "common/error.h"
#include "tests/emulator/template_function.h"

#include <map>
#include <string>

namespace postlude::emulator {

struct TemplateRequest {
  std::string file;
  TemplateQuestion question;
  CfnPlace place;
  std::map<std::string, std::string> parameters{};
};

/// A function of the template in the file. Its paths are folders of this machine: `code`, and
/// `layer`'s content, which is what `sam build` made of a layer with a BuildMethod
/// (.aws-sam/build/<resource> beside the template), else the folder that the template names.
[[nodiscard]] Result<TemplateFunction> load_function(const TemplateRequest& request);

}  // namespace postlude::emulator
