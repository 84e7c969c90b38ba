#include "runtime/problems.h"

#include "common/json_text.h"

#include <nlohmann/json.hpp>

#include <cstddef>

namespace postlude::runtime {
namespace {

/// Enough to recognise a value; the whole of it stands in the configuration.
constexpr std::size_t kMaxQuotedBytes = 128;

bool continues_character(char byte) {
  return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80U;
}

}  // namespace

std::string config_error_body(const Problems& problems) {
  std::string lines;
  for (const std::string& problem : problems) {
    if (!lines.empty()) {
      lines.push_back('\n');
    }
    lines.append(problem);
  }
  nlohmann::json body;
  body["errorType"] = "Postlude.ConfigError";
  body["errorMessage"] = lines;
  body["stackTrace"] = nlohmann::json::array();
  return dump_json(body);
}

std::string in_quotes(std::string_view value) {
  if (value.size() <= kMaxQuotedBytes) {
    return dump_json(nlohmann::json(std::string(value)));
  }
  std::size_t end = kMaxQuotedBytes;
  while (end > 0 && continues_character(value[end])) {
    --end;
  }
  return dump_json(nlohmann::json(std::string(value.substr(0, end)) + "..."));
}

}  // namespace postlude::runtime
