#pragma once

#include "tests/emulator/http_answer.h"
#include "tests/emulator/invocation.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace postlude::emulator {

// How results become HTTP answers at the Function URL (lambda-protocol.md 6.3). Pure.

/// Invoke mode BUFFERED: `{statusCode, headers, cookies, body, isBase64Encoded}` is interpreted,
/// other JSON is the body, what failed is a 502.
[[nodiscard]] HttpAnswer buffered_url_answer(const WholeResult& result);

/// 502 `Internal Server Error`.
[[nodiscard]] HttpAnswer url_function_error();
/// 429, the URL's words for an exhausted concurrency.
[[nodiscard]] HttpAnswer url_throttled();

/// Finds a stream's prelude: one JSON object, eight NUL bytes, then the body, in any splitting.
class PreludeParser {
 public:
  /// Status, headers and cookies; nobody puts megabytes there.
  static constexpr std::size_t kMaxBytes = std::size_t{1} << 20;

  enum class State { incomplete, complete, invalid };
  State feed(std::string_view bytes);

  /// Of a complete prelude: the head of the answer, without a body.
  [[nodiscard]] const HttpAnswer& answer() const { return answer_; }
  /// What followed the NUL bytes in the last feed().
  [[nodiscard]] const std::string& rest() const { return rest_; }

 private:
  std::string buffer_;
  std::string rest_;
  HttpAnswer answer_;
};

/// "application/vnd.awslambda.http-integration-response", with or without parameters.
[[nodiscard]] bool has_prelude(std::string_view content_type);

}  // namespace postlude::emulator
