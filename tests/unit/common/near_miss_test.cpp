#include "common/near_miss.h"

#include <doctest/doctest.h>

#include <array>
#include <string>

namespace postlude {
namespace {

constexpr std::array<std::string_view, 5> kWords{"name", "command", "timeout", "env", "attempts"};

std::string guess(std::string_view word) {
  return std::string(near_miss(word, kWords).value_or("nothing"));
}

TEST_CASE("a letter too few, too many, replaced or swapped is a near miss") {
  CHECK(guess("commanc") == "command");
  CHECK(guess("commandd") == "command");
  CHECK(guess("xommand") == "command");
  CHECK(guess("naem") == "name");
  CHECK(guess("attempt") == "attempts");
}

TEST_CASE("case makes no difference") {
  CHECK(guess("TimeOut") == "timeout");
  CHECK(guess("ENV") == "env");
}

TEST_CASE("long words may differ in more letters than short ones") {
  CHECK(guess("atempst") == "attempts");
  CHECK(guess("nm") == "nothing");
  CHECK(guess("evn") == "env");
  CHECK(guess("en") == "env");
  CHECK(guess("v") == "nothing");
}

TEST_CASE("the nearest of several wins") {
  constexpr std::array<std::string_view, 3> kClose{"aaaaaab", "aaaaaa", "aaaaabb"};
  CHECK(near_miss("aaaaaa", kClose) == "aaaaaa");
  CHECK(near_miss("aaaaabbb", kClose) == "aaaaabb");
}

TEST_CASE("unlike words, no words and very long words have no near miss") {
  CHECK(guess("retries") == "nothing");
  CHECK(guess("") == "nothing");
  CHECK(guess(std::string(100'000, 'a')) == "nothing");
  CHECK_FALSE(near_miss("name", {}));
}

}  // namespace
}  // namespace postlude
