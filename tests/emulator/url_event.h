#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace postlude::emulator {

/// A request at the Function URL, as it was received.
struct UrlRequest {
  std::string method;
  std::string target;  ///< path and query, still encoded
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
};

/// What the URL's front adds.
struct UrlContext {
  std::string api_id;
  std::string region;
  std::string request_id;
  std::string trace_id;
  std::string source_ip = "127.0.0.1";
  std::int64_t time_ms = 0;
};

/// The event in payload format 2.0 for a URL without authentication (lambda-protocol.md 6.3). Pure.
[[nodiscard]] std::string url_event(const UrlRequest& request, const UrlContext& context);

/// Percent sequences decoded, and `+` as a space. What is no valid sequence stays.
[[nodiscard]] std::string percent_decoded(std::string_view text);

}  // namespace postlude::emulator
