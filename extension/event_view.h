#pragma once

#include "extension/body_values.h"
#include "extension/json_filter.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace postlude::extension {

/// The parts of an event that `request` is made of, wanted in one pass beside others; the body is
/// read in a second one once its encoding and type are known.
[[nodiscard]] std::vector<WantedValue> request_head_parts();

/// The HTTP request that an event of API Gateway (payload 1.0 and 2.0), a Function URL or an
/// Application Load Balancer stands for (contract.md 4.4, lambda-protocol.md 6.3). JSON texts.
struct RequestHead {
  std::string method;
  std::string path;     ///< as the event has it, with the stage where it has one
  std::string query;    ///< an object, decoded; a name that comes twice has an array of its values
  std::string headers;  ///< an object, names in lower case; several values are joined with ","
  BodyFormat body_format = BodyFormat::text;
  BodyEncoding body_encoding = BodyEncoding::plain;
};

/// `parts_found`: what was found of request_head_parts(), in their order. Nothing for other events.
/// Pure.
[[nodiscard]] std::optional<RequestHead> request_head(const std::vector<JsonValue>& parts_found);

/// Where the event has the body.
[[nodiscard]] JsonPath request_body_path();

}  // namespace postlude::extension
