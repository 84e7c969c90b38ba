#include "extension/json_string_decoder.h"

#include <algorithm>

namespace postlude::extension {
namespace {

constexpr std::string_view kEscapes = "\"\\/bfnrt";
constexpr std::string_view kEscaped = "\"\\/\b\f\n\r\t";

/// -1: none.
int hex_value(char c) {
  constexpr int kTen = 10;
  if (c >= '0' && c <= '9') {
    return c - '0';
  }
  if (c >= 'a' && c <= 'f') {
    return c - 'a' + kTen;
  }
  return c >= 'A' && c <= 'F' ? c - 'A' + kTen : -1;
}

char low_byte(std::uint32_t value) {
  return static_cast<char>(static_cast<unsigned char>(value & 0xffU));
}

void append_utf8(std::uint32_t point, std::string& out) {
  const auto continuation = [point](unsigned shift) {
    return low_byte(0x80U | (point >> shift & 0x3fU));
  };
  if (point < 0x80U) {
    out.push_back(low_byte(point));
  } else if (point < 0x800U) {
    out.append({low_byte(0xc0U | point >> 6U), continuation(0)});
  } else if (point < 0x10000U) {
    out.append({low_byte(0xe0U | point >> 12U), continuation(6), continuation(0)});
  } else {
    out.append(
        {low_byte(0xf0U | point >> 18U), continuation(12), continuation(6), continuation(0)});
  }
}

}  // namespace

void JsonStringDecoder::add(std::string_view raw, std::string& out) {
  while (!raw.empty() && state_ != State::broken) {
    if (state_ == State::text) {
      raw = add_text(raw, out);
      continue;
    }
    if (state_ == State::escape) {
      add_escape(raw.front(), out);
    } else {
      add_digit(raw.front(), out);
    }
    raw.remove_prefix(1);
  }
}

std::string_view JsonStringDecoder::add_text(std::string_view raw, std::string& out) {
  const std::size_t run = std::min(raw.find('\\'), raw.size());
  if (run > 0 && high_ != 0) {
    state_ = State::broken;
    return {};
  }
  out.append(raw.substr(0, run));
  if (run == raw.size()) {
    return {};
  }
  state_ = State::escape;
  raw.remove_prefix(run + 1);
  // JSON within a JSON string is full of these.
  if (!raw.empty() && raw.front() == '"' && high_ == 0) {
    out.push_back('"');
    state_ = State::text;
    raw.remove_prefix(1);
  }
  return raw;
}

void JsonStringDecoder::add_escape(char c, std::string& out) {
  if (c == 'u') {
    state_ = State::unicode;
    digits_ = 0;
    unit_ = 0;
    return;
  }
  const std::size_t which = kEscapes.find(c);
  if (which == std::string_view::npos || high_ != 0) {
    state_ = State::broken;
    return;
  }
  out.push_back(kEscaped[which]);
  state_ = State::text;
}

void JsonStringDecoder::add_digit(char c, std::string& out) {
  constexpr int kDigits = 4;
  const int value = hex_value(c);
  if (value < 0) {
    state_ = State::broken;
    return;
  }
  unit_ = unit_ << 4U | static_cast<std::uint32_t>(value);
  if (++digits_ == kDigits) {
    state_ = State::text;
    add_unit(unit_, out);
  }
}

void JsonStringDecoder::add_unit(std::uint32_t unit, std::string& out) {
  const bool high = unit >= 0xd800U && unit <= 0xdbffU;
  const bool low = unit >= 0xdc00U && unit <= 0xdfffU;
  if (low != (high_ != 0)) {
    state_ = State::broken;
  } else if (high) {
    high_ = unit;
  } else if (low) {
    append_utf8(0x10000U + ((high_ - 0xd800U) << 10U) + (unit - 0xdc00U), out);
    high_ = 0;
  } else {
    append_utf8(unit, out);
  }
}

}  // namespace postlude::extension
