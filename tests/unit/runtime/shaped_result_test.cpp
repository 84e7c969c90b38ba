#include "runtime/shaped_result.h"

#include "common/base64.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace postlude::runtime {
namespace {

using Verdict = ResultReading::Verdict;

constexpr std::string_view kNuls("\0\0\0\0\0\0\0\0", 8);

Verdict verdict_of(std::string_view text) {
  return read_result(text).verdict;
}

/// Of a shaped result, without the NUL bytes.
std::string prelude_of(std::string_view text) {
  const ResultReading reading = read_result(text);
  REQUIRE(reading.verdict == Verdict::shaped);
  REQUIRE(reading.prelude.ends_with(kNuls));
  CHECK(reading.prelude.find('\0') == reading.prelude.size() - kNuls.size());
  return reading.prelude.substr(0, reading.prelude.size() - kNuls.size());
}

/// Of a shaped result, decoded.
std::string body_of(std::string_view text) {
  const ResultReading reading = read_result(text);
  REQUIRE(reading.verdict == Verdict::shaped);
  BodyDecoder decoder(text.substr(reading.body_at, reading.body_size), reading.form);
  std::string body;
  std::string block(4096, '\0');
  while (!decoder.ended()) {
    body.append(block, 0, decoder.read(block));
  }
  CHECK_FALSE(decoder.failed());
  return body;
}

TEST_CASE("a shaped result becomes a prelude of what it says") {
  const std::string_view text =
      R"({"statusCode":201,"headers":{"Content-Type":"text/plain","x-n":1.50,"x-b":true},)"
      R"("multiValueHeaders":{"x-m":["a",2,false]},"cookies":["a=b; Secure","c=\"d\""],)"
      R"("body":"h\u00e9llo\n","isBase64Encoded":false})";
  CHECK(prelude_of(text) ==
        R"({"statusCode":201,"headers":{"Content-Type":"text/plain","x-n":"1.50","x-b":"true"},)"
        R"("multiValueHeaders":{"x-m":["a","2","false"]},"cookies":["a=b; Secure","c=\"d\""]})");
  CHECK(body_of(text) == "h\xc3\xa9llo\n");
}

TEST_CASE("members that are absent or null are left out") {
  CHECK(prelude_of(R"({"statusCode":204})") == R"({"statusCode":204})");
  CHECK(body_of(R"({"statusCode":204})").empty());
  const std::string_view nulls =
      R"({"headers":null,"multiValueHeaders":null,"cookies":null,"body":null,)"
      R"("isBase64Encoded":null,"statusCode":"204"})";
  CHECK(prelude_of(nulls) == R"({"statusCode":204})");
  CHECK(body_of(nulls).empty());
  CHECK(prelude_of(R"({"statusCode":200,"headers":{},"multiValueHeaders":{},"cookies":[]})") ==
        R"({"statusCode":200,"headers":{},"multiValueHeaders":{},"cookies":[]})");
  CHECK(prelude_of(R"({"statusCode":200,"headers":{"a":null,"b":"1","c":null},)"
                   R"("multiValueHeaders":{"d":[null,"2",null],"e":null}})") ==
        R"({"statusCode":200,"headers":{"b":"1"},"multiValueHeaders":{"d":["2"]}})");
}

TEST_CASE("the members may come in any order") {
  std::vector<std::string> members = {R"("statusCode":418)",
                                      R"("headers":{"a":"b"})",
                                      R"("cookies":["c"])",
                                      R"("body":"aGk=")",
                                      R"("isBase64Encoded":true)"};
  std::sort(members.begin(), members.end());
  int orders = 0;
  do {
    std::string text = " {";
    for (const std::string& member : members) {
      text.append(text.size() > 2 ? " , " : "").append(member);
    }
    text.append("}\n");
    CHECK(prelude_of(text) == R"({"statusCode":418,"headers":{"a":"b"},"cookies":["c"]})");
    CHECK(body_of(text) == "hi");
    ++orders;
  } while (std::next_permutation(members.begin(), members.end()));
  CHECK(orders == 120);
}

TEST_CASE("of members that occur twice the last counts, however the name is written") {
  const std::string_view text =
      R"({"statusCode":"x","body":1,"isBase64Encoded":true,"headers":7,"statusCode":200,)"
      R"("\u0062ody":"!","isBase64Encoded":false,"he\u0061ders":{"a":"1","a":"2"}})";
  CHECK(prelude_of(text) == R"({"statusCode":200,"headers":{"a":"1","a":"2"}})");
  CHECK(body_of(text) == "!");
  CHECK(verdict_of(R"({"statusCode":200,"statusCode":"x"})") == Verdict::malformed);
  CHECK(body_of(R"({"statusCode":200,"body":"x","body":null})").empty());
}

TEST_CASE("members beside the six are ignored, and so is what lies inside them") {
  const std::string_view text =
      R"({"junk":{"statusCode":1,"body":[{"a":["}\\\""]}]},"statusCode":200,"body":"{\"statusCode\":5}",)"
      R"("more":[[[["\ud800"]]]],"statuscode":9,"\ud800":1})";
  CHECK(prelude_of(text) == R"({"statusCode":200})");
  CHECK(body_of(text) == R"({"statusCode":5})");
}

TEST_CASE("what is no object, or has no status code, is plain") {
  for (const std::string_view text : {"",
                                      " ",
                                      "null",
                                      "3",
                                      "\"statusCode\"",
                                      "[{\"statusCode\":200}]",
                                      "{}",
                                      R"({"body":"x"})",
                                      R"({"nested":{"statusCode":200}})",
                                      "hello {\"statusCode\":200}",
                                      R"({"statusCode":200)",
                                      R"({"statusCode":200}})",
                                      R"({"statusCode":200,})",
                                      "{\"statusCode\":200,\"body\":\"\xff\"}",
                                      R"({"statusCode":200,"body":"\q"})",
                                      R"({statusCode:200})"}) {
    CAPTURE(text);
    CHECK(verdict_of(text) == Verdict::plain);
  }
}

TEST_CASE("a result that claims the shape but makes no sense is malformed") {
  for (const std::string_view text :
       {R"({"statusCode":null})",
        R"({"statusCode":99})",
        R"({"statusCode":600})",
        R"({"statusCode":2000})",
        R"({"statusCode":20})",
        R"({"statusCode":-200})",
        R"({"statusCode":200.0})",
        R"({"statusCode":2e2})",
        R"({"statusCode":"OK"})",
        R"({"statusCode":"0200"})",
        R"({"statusCode":""})",
        R"({"statusCode":" 200"})",
        R"({"statusCode":true})",
        R"({"statusCode":{}})",
        R"({"statusCode":[200]})",
        R"({"statusCode":200,"headers":[]})",
        R"({"statusCode":200,"headers":"a: b"})",
        R"({"statusCode":200,"headers":{"a":["b"]}})",
        R"({"statusCode":200,"headers":{"a":{}}})",
        R"({"statusCode":200,"headers":{"a":"\ud800"}})",
        R"({"statusCode":200,"headers":{"\udc00":"a"}})",
        R"({"statusCode":200,"multiValueHeaders":{"a":"b"}})",
        R"({"statusCode":200,"multiValueHeaders":[]})",
        R"({"statusCode":200,"multiValueHeaders":{"a":[[]]}})",
        R"({"statusCode":200,"cookies":"a=b"})",
        R"({"statusCode":200,"cookies":{"a":"b"}})",
        R"({"statusCode":200,"cookies":[1]})",
        R"({"statusCode":200,"cookies":[null]})",
        R"({"statusCode":200,"cookies":["\ud800"]})",
        R"({"statusCode":200,"body":{}})",
        R"({"statusCode":200,"body":5})",
        R"({"statusCode":200,"body":false})",
        R"({"statusCode":200,"body":[]})",
        R"({"statusCode":200,"body":"\ud800"})",
        R"({"statusCode":200,"isBase64Encoded":"true"})",
        R"({"statusCode":200,"isBase64Encoded":1})",
        R"({"statusCode":200,"body":"a","isBase64Encoded":true})",
        R"({"statusCode":200,"isBase64Encoded":true,"body":"not base64!"})"}) {
    CAPTURE(text);
    CHECK(verdict_of(text) == Verdict::malformed);
  }
}

TEST_CASE("a body of six megabytes is found where it stands") {
  const std::string bytes(4'500'000, '\xa5');
  const std::string text =
      R"({"body":")" + base64_encode(bytes) + R"(","isBase64Encoded":true,"statusCode":200})";
  const ResultReading reading = read_result(text);
  CHECK(reading.verdict == Verdict::shaped);
  CHECK(reading.body_at == 9);
  CHECK(reading.body_size == 6'000'000);
  CHECK(body_of(text) == bytes);
}

TEST_CASE("the beginning of a result may show that it claims the shape") {
  CHECK(claims_shape(R"({"statusCode":200,"body":"abc)"));
  CHECK(claims_shape(R"({"a":{"b":[1]},"statusCode":"x")"));
  CHECK_FALSE(claims_shape(R"({"body":"abc)"));
  CHECK_FALSE(claims_shape(R"({"a":{"statusCode":200},"b":")"));
  CHECK_FALSE(claims_shape(R"([{"statusCode":200})"));
  CHECK_FALSE(claims_shape("statusCode"));
}

}  // namespace
}  // namespace postlude::runtime
