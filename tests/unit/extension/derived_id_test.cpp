#include "extension/derived_id.h"

#include <doctest/doctest.h>

#include <set>
#include <string>

namespace postlude::extension {
namespace {

constexpr IdRules kNames{.most_bytes = 80, .punctuation = "-_"};
constexpr const char* kUsual = "8476a536-e9f4-11e8-9739-2dfe598c3fcd/nightly-report/12";

}  // namespace

TEST_CASE("a task id that is allowed stays itself") {
  CHECK(derived_id(kUsual, {.most_bytes = 128, .punctuation = "-/"}).value() == kUsual);
}

TEST_CASE("another becomes allowed, readable, and is always the same") {
  const std::string id = derived_id(kUsual, kNames).value();
  CHECK(id.size() <= 80);
  CHECK(id.starts_with("8476a536-e9f4-11e8-9739-2dfe598c3fcd-nightly"));
  CHECK(id.find('/') == std::string::npos);
  CHECK(id == derived_id(kUsual, kNames).value());
}

TEST_CASE("different task ids never become the same name") {
  std::set<std::string> names;
  int count = 0;
  for (const std::string& begin : {std::string("a"),
                                   std::string("a/b"),
                                   std::string("a-b"),
                                   std::string("a_b"),
                                   std::string(200, 'x'),
                                   std::string("\xc3\xa4"),
                                   std::string("\n")}) {
    for (int n = 0; n < 50; ++n) {
      names.insert(derived_id(begin + "/" + std::to_string(n), kNames).value());
      names.insert(derived_id(begin + "-" + std::to_string(n), kNames).value());
      count += 2;
    }
  }
  CHECK(names.size() == static_cast<std::size_t>(count));
  for (const std::string& name : names) {
    CHECK(name.size() <= 80);
    CHECK(name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-_x") == std::string::npos);
  }
}

TEST_CASE("an empty task id gets a name too") {
  CHECK(derived_id("", kNames).value().size() == 33);
}

}  // namespace postlude::extension
