#pragma once

#include "common/http_head.h"

#include <string>
#include <string_view>

namespace postlude::runtime {

/// POSTLUDE_RESPONSE_MODE (contract.md 3).
enum class ResponseMode {
  passthrough,  ///< answers pass as they come
  stream,       ///< buffered results are streamed to the caller (CollectedAnswer)
};

/// A response of this head is a buffered result. Any mode it names is the platform's business: it
/// streams what says "streaming" and refuses everything else (lambda-protocol.md 1.4).
[[nodiscard]] bool is_buffered(const HttpHead& head);

/// The head with which a buffered result is streamed: the runtime's own fields, but chunked and
/// without what concerned only its connection to us. `content_type` stands for the runtime's own;
/// empty: that one stays.
[[nodiscard]] std::string streamed_head(const HttpHead& head, std::string_view content_type);

/// The head as it was, but for an expectation that was met here.
[[nodiscard]] std::string unchanged_head(const HttpHead& head);

}  // namespace postlude::runtime
