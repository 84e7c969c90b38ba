#include "extension/base64_decoder.h"

#include <array>

namespace postlude::extension {
namespace {

constexpr std::uint8_t kNone = 0xff;

constexpr std::array<std::uint8_t, 256> values_of_characters() {
  constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::array<std::uint8_t, 256> values{};
  values.fill(kNone);
  for (std::size_t i = 0; i < kAlphabet.size(); ++i) {
    values[static_cast<unsigned char>(kAlphabet[i])] = static_cast<std::uint8_t>(i);
  }
  return values;
}

constexpr auto kValues = values_of_characters();
constexpr unsigned kBitsOfCharacter = 6;
constexpr unsigned kBitsOfByte = 8;

}  // namespace

void Base64Decoder::add(std::string_view text, std::string& out) {
  for (const char c : text) {
    if (state_ == State::broken) {
      return;
    }
    if (c == '=') {
      state_ = State::padding;
      continue;
    }
    const std::uint8_t value = kValues[static_cast<unsigned char>(c)];
    if (value == kNone || state_ == State::padding) {
      state_ = State::broken;
      return;
    }
    group_ = group_ << kBitsOfCharacter | value;
    bits_ += kBitsOfCharacter;
    if (bits_ >= kBitsOfByte) {
      bits_ -= kBitsOfByte;
      out.push_back(static_cast<char>(static_cast<unsigned char>(group_ >> bits_ & 0xffU)));
    }
  }
}

bool Base64Decoder::complete() const {
  return state_ != State::broken && bits_ < kBitsOfCharacter;
}

}  // namespace postlude::extension
