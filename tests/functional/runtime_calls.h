#pragma once

#include "tests/functional/raw_client.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace postlude::testing {

using Headers = std::vector<std::pair<std::string, std::string>>;

/// The Runtime API and the Extensions API as calls on one raw connection, for tests that play the
/// runtime or an extension themselves.
class RuntimeCalls {
 public:
  explicit RuntimeCalls(const std::string& api) : client_(api) {}

  /// Sends the poll; read() or event() later.
  void send_next();
  RawResponse next();
  RawResponse respond(const std::string& id, const std::string& body, const Headers& headers = {});
  RawResponse fail(const std::string& id, const std::string& body, const Headers& headers = {});
  RawResponse post(const std::string& path, const std::string& body, const Headers& headers = {});

  RawResponse register_extension(const std::string& name, const std::string& body);
  void send_event_next(const std::string& identifier);
  RawResponse event_next(const std::string& identifier);

  RawResponse read() { return client_.read_response(); }
  [[nodiscard]] RawClient& client() { return client_; }

 private:
  RawClient client_;
};

/// Header Lambda-Runtime-Aws-Request-Id of an event.
[[nodiscard]] std::string id_of(const RawResponse& event);

/// One chunk of a chunked body.
[[nodiscard]] std::string chunk(const std::string& bytes);

/// The head of a streaming answer to that invocation, up to the empty line.
[[nodiscard]] std::string streaming_head(const std::string& id,
                                         const std::string& content_type,
                                         const std::string& more_lines = {});

inline constexpr const char* kIntegrationType =
    "application/vnd.awslambda.http-integration-response";

}  // namespace postlude::testing
