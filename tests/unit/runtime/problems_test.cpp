#include "runtime/problems.h"

#include "common/json_text.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <string>

namespace postlude::runtime {
namespace {

TEST_CASE("the body of a configuration error has all problems, one a line") {
  CHECK(config_error_body({"A: \"x\" is wrong", "B:1:2: too"}) ==
        R"({"errorMessage":"A: \"x\" is wrong\nB:1:2: too",)"
        R"("errorType":"Postlude.ConfigError","stackTrace":[]})");
}

TEST_CASE("the body is JSON whatever bytes a problem quotes") {
  const auto body = parse_json(config_error_body({"A: \xff\x01"}));
  REQUIRE(body);
  CHECK(*body->at("errorMessage").get_ptr<const std::string*>() == "A: \xef\xbf\xbd\x01");
}

TEST_CASE("quoted values show control characters and replace bad UTF-8") {
  CHECK(in_quotes("") == R"("")");
  CHECK(in_quotes("a\"b\\c\n\x1b") == R"("a\"b\\c\n\u001b")");
  CHECK(in_quotes("\xff") == "\"\xef\xbf\xbd\"");
}

TEST_CASE("quoted values are cut after 128 bytes, between characters") {
  CHECK(in_quotes(std::string(128, 'x')) == '"' + std::string(128, 'x') + '"');
  CHECK(in_quotes(std::string(129, 'x')) == '"' + std::string(128, 'x') + "...\"");
  CHECK(in_quotes(std::string(127, 'x') + "\xc3\xa9") == '"' + std::string(127, 'x') + "...\"");
  CHECK(in_quotes(std::string(200, '\x80')).size() < 16);
}

}  // namespace
}  // namespace postlude::runtime
