#pragma once

#include "runtime/template_reader.h"

#include <optional>
#include <string>

namespace postlude::runtime {

/// Whether the hosts that a template may bring are listed.
enum class HostRule { literal_only, listed };

/// The "url" of an HTTP task: absolute, http or https, or with a reference at its start. A host
/// that comes from a template must be listed and its scheme https, as far as the literal text
/// tells. What is wrong is reported.
[[nodiscard]] std::optional<std::string> read_url(const JsonNode& node,
                                                  HostRule rule,
                                                  const TemplateReader& templates);

/// The "path" of a REST call: it begins with a slash, and may go on with a query.
[[nodiscard]] std::optional<std::string> read_url_path(const JsonNode& node,
                                                       const TemplateReader& templates);

}  // namespace postlude::runtime
