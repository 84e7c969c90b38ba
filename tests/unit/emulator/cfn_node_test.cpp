#include "tests/emulator/cfn_node.h"

#include <doctest/doctest.h>

#include <string>

using namespace postlude::emulator;  // NOLINT(google-build-using-namespace)

namespace {

std::string complaint(const std::string& text) {
  const auto node = read_cfn(text);
  return node ? "(no error)" : node.error().message;
}

}  // namespace

TEST_CASE("short forms of functions become the long ones, with the line they stand in") {
  const auto node = read_cfn(
      "a: !Ref Queue\n"
      "b: !GetAtt Queue.Arn\n"
      "c: !GetAtt [Nested, Outputs.Url]\n"
      "d: !Sub '${AWS::Region}'\n"
      "e: !Join\n"
      "  - ','\n"
      "  - [x, !Ref Y]\n"
      "f: {'Fn::Sub': x}\n"
      "g: !If [Big, 1, 2]\n"
      "h: !Condition Big\n");
  REQUIRE(node.has_value());
  CHECK(node->find("a")->find("Ref")->text == "Queue");
  CHECK(node->find("a")->find("Ref")->line == 1);
  const CfnNode* attribute = node->find("b")->find("Fn::GetAtt");
  REQUIRE(attribute != nullptr);
  REQUIRE(attribute->items.size() == 2);
  CHECK(attribute->items[0].text == "Queue");
  CHECK(attribute->items[1].text == "Arn");
  CHECK(attribute->line == 2);
  CHECK(node->find("c")->find("Fn::GetAtt")->items[1].text == "Outputs.Url");
  CHECK(node->find("d")->find("Fn::Sub")->text == "${AWS::Region}");
  CHECK(node->find("e")->find("Fn::Join")->items[1].items[1].find("Ref")->text == "Y");
  CHECK(node->find("f")->find("Fn::Sub")->text == "x");
  CHECK(node->find("g")->find("Fn::If")->items.size() == 3);
  CHECK(node->find("h")->find("Condition")->text == "Big");
  CHECK(node->find("missing") == nullptr);
}

TEST_CASE("JSON is a template, too, and aliases are what they stand for") {
  const auto json = read_cfn(R"({"Resources": {"F": {"Type": "T", "Timeout": 3}}})");
  REQUIRE(json.has_value());
  CHECK(json->find("Resources")->find("F")->find("Timeout")->text == "3");
  const auto alias = read_cfn("a: &one {x: 1}\nb: *one\n");
  REQUIRE(alias.has_value());
  CHECK(alias->find("b")->find("x")->text == "1");
}

TEST_CASE("what is no template is told with its line") {
  CHECK(complaint("a: 1\nb: !Reff Queue\n") == "2: !Reff is no function of CloudFormation");
  CHECK(complaint("a: 1\nc: 2\na: 3\n") == "3: 'a' stands twice in one map");
  CHECK(complaint("a:\n  b: [1\nc: 2\n").starts_with("3: "));
  CHECK(complaint("? [a]\n: 1\n") == "1: a key must be text");
  CHECK(complaint(std::string(150, '[') + std::string(150, ']')).find("deeper than") !=
        std::string::npos);
}
