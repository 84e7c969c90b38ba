#pragma once

#include "common/error.h"
#include "extension/http_call.h"

#include <string>

namespace postlude::extension {

/// What may not be sent: a method that is no token or would change the protocol; fields whose name
/// is no token, whose value has CR, LF, NUL or another control character, or that belong to the
/// connection (Host, Content-Length, Transfer-Encoding, Connection and their like). The error is
/// for a user's log. Pure.
[[nodiscard]] Result<void> check_request(const HttpRequest& request);

/// Such fields, in any case.
[[nodiscard]] bool belongs_to_connection(std::string_view field_name);

/// The bytes before the body, for a request that was checked. Pure.
[[nodiscard]] std::string request_head(const HttpRequest& request);

}  // namespace postlude::extension
