#include "extension/uri_encoding.h"

#include <doctest/doctest.h>

#include <string>

namespace postlude::extension {

TEST_CASE("all but unreserved characters is encoded") {
  CHECK(uri_encode("aZ0-._~") == "aZ0-._~");
  CHECK(uri_encode("a b/c+d%\xc3\xa4") == "a%20b%2Fc%2Bd%25%C3%A4");
  CHECK(uri_encode_path("/a b/") == "/a%20b/");
}

TEST_CASE("decoding undoes encoding, of every byte") {
  std::string bytes;
  for (int byte = 0; byte < 256; ++byte) {
    bytes.push_back(static_cast<char>(byte));
  }
  CHECK(uri_decode(uri_encode(bytes)) == bytes);
  CHECK(uri_decode("%c3%A4") == "\xc3\xa4");
}

TEST_CASE("what is no escape stays as it is") {
  CHECK(uri_decode("%") == "%");
  CHECK(uri_decode("%4") == "%4");
  CHECK(uri_decode("%zz+100%") == "%zz+100%");
}

}  // namespace postlude::extension
