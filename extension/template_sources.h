#pragma once

#include "common/clock.h"
#include "common/environment.h"
#include "common/spool_format.h"
#include "extension/document_feed.h"

#include <tl/expected.hpp>

#include <functional>
#include <string>
#include <string_view>

namespace postlude::extension {

enum class SecretKind {
  secret,     ///< of Secrets Manager
  parameter,  ///< of Parameter Store, decrypted
};

/// Why an action has no values.
struct TemplateFailure {
  std::string why;  ///< names the place, the reference or both; never a value
  enum class Next {
    fail,     ///< another attempt would end the same way
    retry,    ///< worth another attempt
    missing,  ///< of TemplateSources::secret: there is none of that name; a fallback applies
  } next = Next::fail;
};

using TemplateError = tl::unexpected<TemplateFailure>;

/// What references of one attempt of a task take their values from (contract.md 4.4).
struct TemplateSources {
  const TaskRecord& record;
  int attempt = 1;  ///< from 1
  EpochTime work_deadline;
  EventFile event;            ///< read by position
  std::string_view response;  ///< JSON text as the task document has it (response_view.h)
  std::string_view error;     ///< JSON text as the task document has it
  const Environment& environment;
  const std::string& function_name;
  /// Its text by name. Called at most once for each name that is referred to; may block.
  std::function<tl::expected<std::string, TemplateFailure>(SecretKind, const std::string& name)>
      secret;
};

}  // namespace postlude::extension
