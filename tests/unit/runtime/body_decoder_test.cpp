#include "runtime/body_decoder.h"

#include "common/base64.h"

#include <doctest/doctest.h>

#include <array>
#include <optional>
#include <random>
#include <string>

namespace postlude::runtime {
namespace {

using Form = BodyDecoder::Form;

/// Nothing if it fails. `room`: of every read.
std::optional<std::string> decode(std::string_view string, Form form, std::size_t room = 64) {
  BodyDecoder decoder(string, form);
  std::string result;
  std::string block(room, '\0');
  while (!decoder.ended()) {
    result.append(block, 0, decoder.read(block));
  }
  CHECK(decodes(string, form) == !decoder.failed());
  return decoder.failed() ? std::nullopt : std::optional(result);
}

TEST_CASE("escapes become what they stand for") {
  CHECK(decode(R"(a\"\\\/\b\f\n\r\tz)", Form::text) == "a\"\\/\b\f\n\r\tz");
  CHECK(decode(R"(\u0041\u00e9\u20AC\ud83d\uDE00)", Form::text) ==
        "A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
  CHECK(decode(R"(\u0000)", Form::text) == std::string(1, '\0'));
  CHECK(
      decode(R"(\u007f\u0080\u07ff\u0800\ud7ff\ue000\uffff\ud800\udc00\udbff\udfff)", Form::text) ==
      "\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf\xf0\x90\x80\x80"
      "\xf4\x8f\xbf\xbf");
  CHECK(decode("", Form::text) == "");
}

TEST_CASE("a lone surrogate is nothing that UTF-8 can say") {
  for (const std::string_view string : {R"(\ud800)",
                                        R"(\udc00)",
                                        R"(\ud800x)",
                                        R"(\ud800\n)",
                                        R"(\ud800\u0041)",
                                        R"(\ud800\ud800)",
                                        R"(\udc00\ud800)",
                                        R"(fine \udfff)",
                                        R"(\ud83d\ude00\ud83d)"}) {
    CAPTURE(string);
    CHECK_FALSE(decode(string, Form::text));
  }
}

TEST_CASE("text is the same in whatever pieces it is read") {
  std::string string;
  std::string expected;
  std::mt19937 random(11);
  const std::array<std::pair<std::string_view, std::string_view>, 6> parts{
      {{"x", "x"},
       {R"(\n)", "\n"},
       {R"(\u00e9)", "\xc3\xa9"},
       {R"(\ud83d\ude00)", "\xf0\x9f\x98\x80"},
       {"\xe2\x82\xac", "\xe2\x82\xac"},
       {"plain text ", "plain text "}}};
  for (int i = 0; i < 2000; ++i) {
    const auto& [written, meant] = parts[random() % parts.size()];
    string.append(written);
    expected.append(meant);
  }
  for (std::size_t room = BodyDecoder::kLeastRoom; room < 40; ++room) {
    CAPTURE(room);
    CHECK(decode(string, Form::text, room) == expected);
  }
}

TEST_CASE("base64 of every length is decoded, with its padding and without, in any pieces") {
  std::mt19937 random(13);
  std::string bytes;
  for (int length = 0; length < 70; ++length) {
    std::string text = base64_encode(bytes);
    for (std::size_t room = 4; room < 9; ++room) {
      CHECK(decode(text, Form::base64, room) == bytes);
    }
    text.resize(std::min(text.find('='), text.size()));
    CHECK(decode(text, Form::base64) == bytes);
    bytes.push_back(static_cast<char>(random() & 0xffU));
  }
}

TEST_CASE("base64 may be written with escapes") {
  CHECK(decode(R"(\/\u002B8\u003d)", Form::base64) == decode("/+8=", Form::base64));
  CHECK(decode(R"(\u0059Q\u003d=)", Form::base64) == "a");
}

TEST_CASE("what is not base64 is found out") {
  for (const std::string_view string : {"A",
                                        "AAAAA",
                                        "A===",
                                        "=",
                                        "====",
                                        "AA=",
                                        "AAA==",
                                        "AA==AA==",
                                        "AA=A",
                                        "AA\xc3\xa9",
                                        "AA-_",
                                        "AA AA",
                                        R"(AA\nAA)",
                                        R"(AA\u00e9A)",
                                        R"(AA\ud800)",
                                        R"(\u0000AAA)",
                                        "AAAA="}) {
    CAPTURE(string);
    CHECK_FALSE(decode(string, Form::base64));
  }
}

}  // namespace
}  // namespace postlude::runtime
