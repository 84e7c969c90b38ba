#pragma once

#include <string>
#include <string_view>

namespace postlude::extension {

/// What was kept of the answer, as it was sent.
struct CapturedResponse {
  std::string_view bytes;
  bool has_prelude = false;  ///< HTTP integration response: JSON, eight NUL bytes, body
  bool truncated = false;    ///< only a first part was kept
};

/// `response` of the task document (contract.md 4.4) as JSON text: an HTTP result in one shape,
/// other JSON as it is, other text as a string, other bytes in base64. Pure.
[[nodiscard]] std::string response_json(const CapturedResponse& response);

/// `error` of the task document as JSON text: the posted object as it is; what is no object becomes
/// the message of one.
[[nodiscard]] std::string error_json(std::string_view posted);

}  // namespace postlude::extension
