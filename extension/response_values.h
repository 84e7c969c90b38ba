#pragma once

#include "extension/json_filter.h"

#include <string_view>
#include <vector>

namespace postlude::extension {

/// `response` as templates and `match` see it.
struct ResponseSource {
  std::string_view json;   ///< as the task document has it (response_view.h)
  bool truncated = false;  ///< only the first part of the body was kept
};

/// The values at these paths. The body of an HTTP result is decoded and parsed by its content type
/// (BodyValues; without one it is JSON where it can be, as the platform takes it); names of headers
/// match in any case. What was cut is missing, and with it the response as a whole. Pure.
[[nodiscard]] std::vector<JsonValue> response_values(const ResponseSource& response,
                                                     const std::vector<JsonPath>& paths);

/// `path` with the name of a header in lower case, as views have it.
[[nodiscard]] JsonPath with_lower_header(JsonPath path);

}  // namespace postlude::extension
