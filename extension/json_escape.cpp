#include "extension/json_escape.h"

#include "common/json_text.h"
#include "extension/json_string_decoder.h"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace postlude::extension {

std::string json_string(std::string_view text) {
  return dump_json(nlohmann::json(text));
}

std::string compact_json(std::string_view json) {
  std::string out;
  std::size_t at = 0;
  while (at < json.size()) {
    const std::size_t quote = std::min(json.find('"', at), json.size());
    for (; at < quote; ++at) {
      if (std::string_view(" \t\r\n").find(json[at]) == std::string_view::npos) {
        out.push_back(json[at]);
      }
    }
    std::size_t end = quote;
    while (end < json.size()) {
      end = json.find_first_of("\"\\", end + 1);
      if (end >= json.size() || json[end] == '"') {
        break;
      }
      ++end;  // the escaped byte
    }
    end = end >= json.size() ? json.size() : end + 1;
    out.append(json.substr(quote, end - quote));
    at = end;
  }
  return out;
}

std::string json_as_text(std::string_view json) {
  if (!json.starts_with('"') || json.size() < 2) {
    return compact_json(json);
  }
  std::string text;
  JsonStringDecoder().add(json.substr(1, json.size() - 2), text);
  return text;
}

}  // namespace postlude::extension
