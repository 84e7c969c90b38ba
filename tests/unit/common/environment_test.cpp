#include "common/environment.h"

#include <doctest/doctest.h>

using postlude::Environment;

TEST_CASE("the snapshot holds the variables of this process") {
  const Environment environment = Environment::of_process();
  CHECK(environment.find("PATH"));
  CHECK_FALSE(environment.find("POSTLUDE_NO_SUCH_VARIABLE"));
}

TEST_CASE("an empty value is a value") {
  using Variables = std::vector<std::pair<std::string, std::string>>;
  const Environment environment(Variables{{"EMPTY", ""}});
  CHECK(environment.find("EMPTY") == "");
  CHECK(environment.get_or("EMPTY", "other") == "");
  CHECK(environment.get_or("MISSING", "other") == "other");
}

TEST_CASE("setting replaces in place, adds at the end, and erasing removes") {
  using Variables = std::vector<std::pair<std::string, std::string>>;
  Environment environment(Variables{{"A", "1"}, {"B", "2"}});
  environment.set("A", "3");
  environment.set("C", "4");
  environment.erase("B");
  CHECK(environment.variables() == Variables{{"A", "3"}, {"C", "4"}});
}
