#include "extension/lone_surrogates.h"

#include <charconv>
#include <cstddef>
#include <cstdint>

namespace postlude::extension {
namespace {

enum class Escape { other, high, low };

constexpr std::size_t kUnitBytes = 6;  // \ud83d

Escape escape_at(std::string_view json, std::size_t at) {
  constexpr int kHexadecimal = 16;
  const std::string_view escape = json.substr(at, kUnitBytes);
  if (escape.size() < kUnitBytes || !escape.starts_with("\\u")) {
    return Escape::other;
  }
  std::uint16_t unit = 0;
  const char* const end = escape.data() + escape.size();
  const auto read = std::from_chars(escape.data() + 2, end, unit, kHexadecimal);
  if (read.ec != std::errc() || read.ptr != end || unit < 0xd800U || unit > 0xdfffU) {
    return Escape::other;
  }
  return unit < 0xdc00U ? Escape::high : Escape::low;
}

}  // namespace

std::string without_lone_surrogates(std::string_view json) {
  std::string out(json);
  // Backslashes stand in strings only, so that each begins an escape.
  for (std::size_t at = json.find('\\'); at < json.size(); at = json.find('\\', at)) {
    const Escape escape = escape_at(json, at);
    if (escape == Escape::other) {
      at += 2;
    } else if (escape == Escape::high && escape_at(json, at + kUnitBytes) == Escape::low) {
      at += 2 * kUnitBytes;
    } else {
      out.replace(at, kUnitBytes, "\\ufffd");
      at += kUnitBytes;
    }
  }
  return out;
}

}  // namespace postlude::extension
