#pragma once

#include <string>
#include <string_view>

namespace postlude::emulator {

/// The platform's reading of a reported error type (lambda-protocol.md 1.5): `Runtime.Name` and
/// `Function.Name` stay, other `Function...` becomes Function.Unknown, the rest Runtime.Unknown.
[[nodiscard]] std::string clean_error_type(std::string_view reported);

/// {"errorType":...,"errorMessage":"RequestId: ID Error: MESSAGE"}, what a caller gets when the
/// platform speaks for the function (lambda-protocol.md 4.5).
[[nodiscard]] std::string platform_error_body(const std::string& type,
                                              const std::string& request_id,
                                              const std::string& message);

/// The caller's body for a result over the limit (lambda-protocol.md 1.3).
[[nodiscard]] std::string response_too_large_body();

}  // namespace postlude::emulator
