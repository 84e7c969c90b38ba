#include "runtime/body_decoder.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

namespace postlude::runtime {
namespace {

constexpr std::size_t kUnicodeEscape = 6;  // \u12ab

struct Escape {
  std::uint32_t code_point = 0;
  std::size_t size = 0;  ///< in the text; 0: a lone surrogate
};

std::uint32_t unit_of(std::string_view escape) {
  constexpr int kHex = 16;
  std::uint32_t unit = 0;
  std::from_chars(escape.data() + 2, escape.data() + kUnicodeEscape, unit, kHex);
  return unit;
}

/// `text` begins with a grammatical escape; both halves of a surrogate pair are one.
Escape decode_escape(std::string_view text) {
  constexpr std::string_view kLetters = "bfnrt";
  constexpr std::string_view kMeanings = "\b\f\n\r\t";
  if (text[1] != 'u') {
    const std::size_t letter = kLetters.find(text[1]);
    const char meaning = letter == std::string_view::npos ? text[1] : kMeanings[letter];
    return {static_cast<unsigned char>(meaning), 2};
  }
  constexpr std::uint32_t kHighest = 0xdc00;
  constexpr std::uint32_t kHigh = 0xd800;
  constexpr std::uint32_t kEnd = 0xe000;
  const std::uint32_t unit = unit_of(text);
  if (unit < kHigh || unit >= kEnd) {
    return {unit, kUnicodeEscape};
  }
  const std::string_view second = text.substr(kUnicodeEscape, kUnicodeEscape);
  if (unit >= kHighest || !second.starts_with("\\u")) {
    return {};
  }
  const std::uint32_t low = unit_of(second);
  if (low < kHighest || low >= kEnd) {
    return {};
  }
  constexpr std::uint32_t kFirstBeyond = 0x10000;
  return {kFirstBeyond + ((unit - kHigh) << 10U) + (low - kHighest), 2 * kUnicodeEscape};
}

/// Writes at most four bytes.
std::size_t write_utf8(std::uint32_t code_point, char* out) {
  const auto byte = [](std::uint32_t value) { return static_cast<char>(value); };
  const auto tail = [&](unsigned shift) { return byte(0x80U | (code_point >> shift & 0x3fU)); };
  if (code_point < 0x80U) {
    out[0] = byte(code_point);
    return 1;
  }
  if (code_point < 0x800U) {
    out[0] = byte(0xc0U | code_point >> 6U);
    out[1] = tail(0);
    return 2;
  }
  if (code_point < 0x10000U) {
    out[0] = byte(0xe0U | code_point >> 12U);
    out[1] = tail(6);
    out[2] = tail(0);
    return 3;
  }
  out[0] = byte(0xf0U | code_point >> 18U);
  out[1] = tail(12);
  out[2] = tail(6);
  out[3] = tail(0);
  return 4;
}

constexpr std::uint8_t kNoSymbol = 0xff;

constexpr std::array<std::uint8_t, 256> symbol_values() {
  constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::array<std::uint8_t, 256> values = {};
  values.fill(kNoSymbol);
  for (std::size_t i = 0; i < kAlphabet.size(); ++i) {
    values[static_cast<unsigned char>(kAlphabet[i])] = static_cast<std::uint8_t>(i);
  }
  return values;
}

constexpr std::array<std::uint8_t, 256> kSymbolValues = symbol_values();

}  // namespace

std::size_t BodyDecoder::read(std::span<char> out) {
  return form_ == Form::text ? read_text(out) : read_base64(out);
}

std::size_t BodyDecoder::read_text(std::span<char> out) {
  std::size_t size = 0;
  while (!ended() && out.size() - size >= kLeastRoom) {
    const std::string_view window = rest_.substr(0, out.size() - size);
    const std::size_t plain = std::min(window.find('\\'), window.size());
    std::memcpy(out.data() + size, window.data(), plain);
    size += plain;
    rest_.remove_prefix(plain);
    if (plain == window.size() || out.size() - size < kLeastRoom) {
      continue;
    }
    const Escape escape = decode_escape(rest_);
    failed_ = escape.size == 0;
    rest_.remove_prefix(escape.size);
    size += failed_ ? 0 : write_utf8(escape.code_point, out.data() + size);
  }
  return size;
}

std::size_t BodyDecoder::read_base64(std::span<char> out) {
  constexpr unsigned kSymbolBits = 6;
  constexpr std::size_t kGroup = 4;
  std::size_t size = 0;
  while (!ended() && size < out.size()) {
    const char c = take_ascii();
    if (c == '=') {
      ++padding_;
      continue;
    }
    const std::uint8_t value = kSymbolValues[static_cast<unsigned char>(c)];
    if (value == kNoSymbol || padding_ > 0) {
      failed_ = true;
      return size;
    }
    group_ = group_ << kSymbolBits | value;
    const std::size_t place = symbols_++ % kGroup;
    if (place > 0) {
      out[size++] = static_cast<char>(group_ >> (kSymbolBits - 2 * place) & 0xffU);
    }
  }
  if (rest_.empty()) {
    check_padding();
  }
  return size;
}

/// The next character; NUL, which is no symbol, for one beyond ASCII.
char BodyDecoder::take_ascii() {
  constexpr std::uint32_t kAsciiEnd = 0x80;
  const char c = rest_.front();
  if (c != '\\') {
    rest_.remove_prefix(1);
    return c;
  }
  const Escape escape = decode_escape(rest_);
  rest_.remove_prefix(std::max<std::size_t>(escape.size, 1));
  return escape.size > 0 && escape.code_point < kAsciiEnd ? static_cast<char>(escape.code_point)
                                                          : '\0';
}

void BodyDecoder::check_padding() {
  constexpr std::size_t kGroup = 4;
  const std::size_t over = symbols_ % kGroup;
  const std::size_t missing = over == 0 ? 0 : kGroup - over;
  failed_ = failed_ || over == 1 || (padding_ > 0 && padding_ != missing);
}

bool decodes(std::string_view string, BodyDecoder::Form form) {
  BodyDecoder decoder(string, form);
  std::array<char, 4096> block;
  while (!decoder.ended()) {
    static_cast<void>(decoder.read(block));
  }
  return !decoder.failed();
}

}  // namespace postlude::runtime
