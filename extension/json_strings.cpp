#include "extension/json_strings.h"

#include "common/json_text.h"
#include "extension/json_escape.h"

#include <algorithm>

namespace postlude::extension {
namespace {

/// Behind the closing quote of the string that begins at `at`, in a text that is JSON.
std::size_t end_of_string(std::string_view json, std::size_t at) {
  for (++at; json[at] != '"'; ++at) {
    if (json[at] == '\\') {
      ++at;
    }
  }
  return at + 1;
}

bool is_key(std::string_view json, std::size_t end) {
  const std::size_t next = json.find_first_not_of(" \t\r\n", end);
  return next != std::string_view::npos && json[next] == ':';
}

}  // namespace

tl::expected<std::string, TemplateFailure> replace_json_strings(
    const std::string& place,
    std::string_view json,
    const std::function<StringReplacement(const std::string&)>& replace) {
  if (const auto valid = check_json(json); !valid) {
    return tl::unexpected(TemplateFailure{place + ": " + valid.error().message});
  }
  std::string out;
  std::size_t copied = 0;
  for (std::size_t at = json.find('"'); at != std::string_view::npos; at = json.find('"', at)) {
    const std::size_t end = end_of_string(json, at);
    if (!is_key(json, end)) {
      auto value = replace(json_as_text(json.substr(at, end - at)));
      if (!value) {
        return tl::unexpected(std::move(value.error()));
      }
      if (*value) {
        out.append(json.substr(copied, at - copied)).append(**value);
        copied = end;
      }
    }
    at = end;
  }
  out.append(json.substr(copied));
  return out;
}

}  // namespace postlude::extension
