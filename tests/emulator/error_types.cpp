#include "tests/emulator/error_types.h"

#include "tests/emulator/limits.h"
#include "tests/emulator/refusal.h"

#include <fmt/format.h>

#include <algorithm>

namespace postlude::emulator {
namespace {

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool well_formed(std::string_view name) {
  return name.size() > 1 && name.front() >= 'A' && name.front() <= 'Z' &&
         std::all_of(name.begin(), name.end(), is_letter);
}

}  // namespace

std::string clean_error_type(std::string_view reported) {
  constexpr std::string_view kRuntime = "Runtime.";
  constexpr std::string_view kFunction = "Function.";
  if (reported.starts_with(kRuntime) && well_formed(reported.substr(kRuntime.size()))) {
    return std::string(reported);
  }
  if (reported.starts_with(kFunction)) {
    return well_formed(reported.substr(kFunction.size())) ? std::string(reported)
                                                          : "Function.Unknown";
  }
  return "Runtime.Unknown";
}

std::string platform_error_body(const std::string& type,
                                const std::string& request_id,
                                const std::string& message) {
  return fmt::format(R"({{"errorType":{},"errorMessage":{}}})",
                     json_quoted(type),
                     json_quoted(fmt::format("RequestId: {} Error: {}", request_id, message)));
}

std::string response_too_large_body() {
  return fmt::format(
      "{{\"errorMessage\":\"Response payload size exceeded maximum allowed payload size ({} "
      "bytes).\",\"errorType\":\"Function.ResponseSizeTooLarge\"}}",
      kMaxBufferedBytes);
}

}  // namespace postlude::emulator
