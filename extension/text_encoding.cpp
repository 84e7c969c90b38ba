#include "extension/text_encoding.h"

#include <cstddef>

namespace postlude::extension {
namespace {

constexpr bool continues(unsigned char c) {
  return (c & 0xC0U) == 0x80U;
}

/// Bytes of the character that starts with `lead`; 0 if none does.
constexpr std::size_t character_bytes(unsigned char lead) {
  if (lead < 0x80) {
    return 1;
  }
  if (lead >= 0xC2 && lead <= 0xDF) {
    return 2;
  }
  if (lead >= 0xE0 && lead <= 0xEF) {
    return 3;
  }
  return lead >= 0xF0 && lead <= 0xF4 ? 4 : 0;
}

/// Overlong forms, surrogates and numbers above U+10FFFF show in the second byte.
constexpr bool valid_second(unsigned char lead, unsigned char second) {
  switch (lead) {
    case 0xE0:
      return second >= 0xA0;
    case 0xED:
      return second < 0xA0;
    case 0xF0:
      return second >= 0x90;
    case 0xF4:
      return second < 0x90;
    default:
      return true;
  }
}

unsigned char byte_at(std::string_view text, std::size_t at) {
  return static_cast<unsigned char>(text[at]);
}

}  // namespace

bool is_utf8_text(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const unsigned char lead = byte_at(text, at);
    const std::size_t size = character_bytes(lead);
    if (lead == 0 || size == 0 || size > text.size() - at) {
      return false;
    }
    if (size > 1 && !valid_second(lead, byte_at(text, at + 1))) {
      return false;
    }
    for (std::size_t next = 1; next < size; ++next) {
      if (!continues(byte_at(text, at + next))) {
        return false;
      }
    }
    at += size;
  }
  return true;
}

std::string_view without_cut_character(std::string_view text) {
  constexpr std::size_t kMostContinuations = 3;
  std::size_t lead = text.size();
  while (lead > 0 && text.size() - lead < kMostContinuations &&
         continues(byte_at(text, lead - 1))) {
    --lead;
  }
  if (lead == 0) {
    return text;
  }
  --lead;
  return character_bytes(byte_at(text, lead)) > text.size() - lead ? text.substr(0, lead) : text;
}

}  // namespace postlude::extension
