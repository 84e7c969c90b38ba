#include "extension/text_encoding.h"

#include <doctest/doctest.h>

#include <string>

namespace postlude::extension {
using namespace std::string_view_literals;

TEST_CASE("well-formed text of every length of character is text") {
  for (const auto text : {""sv, "plain"sv, "\xc3\xa4"sv, "\xe2\x82\xac"sv, "\xf0\x9f\x98\x80"sv}) {
    CHECK(is_utf8_text(text));
  }
}

TEST_CASE("what no reader may take for a character is not text") {
  for (const auto text : {"\x80"sv,              // continuation without a start
                          "\xc0\xaf"sv,          // overlong
                          "\xe0\x80\xaf"sv,      // overlong
                          "\xed\xa0\x80"sv,      // surrogate
                          "\xf4\x90\x80\x80"sv,  // above U+10FFFF
                          "\xf8\x88\x80\x80"sv,  // no such start
                          "\xe2\x82"sv,          // cut
                          "a\0b"sv}) {
    CAPTURE(text);
    CHECK_FALSE(is_utf8_text(text));
  }
}

TEST_CASE("a cut text loses the beginning of a character at its end, and nothing else") {
  const std::string whole = "x\xf0\x9f\x98\x80";
  CHECK(without_cut_character(whole) == whole);
  for (std::size_t size = 2; size < whole.size(); ++size) {
    CHECK(without_cut_character(std::string_view(whole).substr(0, size)) == "x");
  }
  CHECK(without_cut_character("") == "");
  CHECK(without_cut_character("\x80\x80") == "\x80\x80");
  CHECK(without_cut_character("\xe2\x82") == "");
}

}  // namespace postlude::extension
