#include "common/task_limits.h"

#include <doctest/doctest.h>

#include <string>

namespace postlude {
namespace {

TEST_CASE("task names are up to 63 lower case letters, digits and hyphens") {
  for (const std::string& name :
       {std::string("a"), std::string("0"), std::string("a-"), std::string(63, 'z')}) {
    CAPTURE(name);
    CHECK(valid_task_name(name));
  }
  for (const std::string& name : {std::string(),
                                  std::string("-a"),
                                  std::string("A"),
                                  std::string("a b"),
                                  std::string("a/b"),
                                  std::string("a\0", 2),
                                  std::string("\xc3\xa9"),
                                  std::string(64, 'z')}) {
    CAPTURE(name);
    CHECK_FALSE(valid_task_name(name));
  }
}

}  // namespace
}  // namespace postlude
