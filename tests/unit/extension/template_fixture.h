#pragma once

#include "common/unique_fd.h"
#include "extension/template_sources.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace postlude::testing {

/// What an attempt knows, for tests of templates and `match`. Must outlive the sources it gives.
struct TemplateWorld {
  TemplateWorld();
  /// With that event, in a file without a name.
  explicit TemplateWorld(std::string_view event);

  void set_event(std::string_view event);
  [[nodiscard]] extension::TemplateSources sources();

  TaskRecord record;
  std::string response = "null";
  std::string error = "null";
  Environment environment;
  std::string function_name = "my-function";
  std::vector<std::pair<std::string, std::string>> secrets;  ///< by name, of both kinds
  std::vector<std::string> fetched;                          ///< "secret NAME", "parameter NAME"

 private:
  UniqueFd file_;
  std::uint64_t bytes_ = 0;
};

/// The event of a Function URL or API Gateway payload 2.0 with that JSON text for `body`.
[[nodiscard]] std::string url_event(std::string_view content_type, std::string_view body_json);

}  // namespace postlude::testing
