#pragma once

#include "common/error.h"
#include "common/task.h"
#include "extension/aws_endpoint.h"
#include "extension/http_call.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace postlude::extension {

/// A request to AWS before it is signed.
struct AwsRequest {
  HttpRequest http;
  std::string signing_name;
  std::string region;
  std::string label;  ///< "sqs SendMessage", for what is said of its end
  /// An error code that says that the work is done already; empty: none.
  std::string done_code = {};
};

/// Of an action whose templates are resolved. Errors would come again: an unknown service, bad
/// input, no region.
[[nodiscard]] Result<AwsRequest> aws_request(const AwsAction& action,
                                             const AwsEndpoints& endpoints,
                                             std::string_view trace_id);

/// One operation of a service with a JSON protocol, for requests of our own. `region` may be empty.
struct JsonOperation {
  std::string_view service;
  std::string_view operation;
  std::string_view region;
  std::string_view trace_id;
  std::string input;  ///< JSON text
};
[[nodiscard]] Result<AwsRequest> json_request(JsonOperation operation,
                                              const AwsEndpoints& endpoints);

/// X-Amzn-Trace-Id, where there is one; it goes to AWS endpoints only.
void add_trace(HttpRequest& request, std::string_view trace_id);

}  // namespace postlude::extension
