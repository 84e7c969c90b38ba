#include "extension/digest.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>
#include <climits>
#include <vector>

namespace postlude::extension {
namespace {

using Bytes = std::array<unsigned char, EVP_MAX_MD_SIZE>;

std::string text_of(const Bytes& bytes, unsigned size) {
  return {bytes.begin(), bytes.begin() + size};
}

}  // namespace

Result<std::string> sha256(std::string_view bytes) {
  Bytes out{};
  unsigned size = 0;
  if (EVP_Digest(bytes.data(), bytes.size(), out.data(), &size, EVP_sha256(), nullptr) != 1) {
    return fail("SHA-256: OpenSSL failed");
  }
  return text_of(out, size);
}

Result<std::string> hmac_sha256(std::string_view key, std::string_view message) {
  Bytes out{};
  unsigned size = 0;
  // OpenSSL takes the message as unsigned bytes.
  const std::vector<unsigned char> data(message.begin(), message.end());
  if (key.size() > INT_MAX || HMAC(EVP_sha256(),
                                   key.data(),
                                   static_cast<int>(key.size()),
                                   data.data(),
                                   data.size(),
                                   out.data(),
                                   &size) == nullptr) {
    return fail("HMAC-SHA-256: OpenSSL failed");
  }
  return text_of(out, size);
}

std::string to_hex(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    out.push_back(kDigits[byte >> 4U]);
    out.push_back(kDigits[byte & 15U]);
  }
  return out;
}

}  // namespace postlude::extension
