#include "extension/release.h"

#include <doctest/doctest.h>

namespace postlude::extension {
using Verdict = Release::Verdict;

TEST_CASE("the first poll is made at once after the registration") {
  Release release;
  CHECK(release.registered() == Verdict::ask);
}

TEST_CASE("an extension that was not registered never polls") {
  Release release;
  CHECK(release.settled("a") == Verdict::hold);
  CHECK(release.settled("b") == Verdict::hold);
}

TEST_CASE("an invocation is held from its INVOKE until it is settled") {
  Release release;
  static_cast<void>(release.registered());
  CHECK(release.invoked("a") == Verdict::hold);
  CHECK(release.settled("a") == Verdict::ask);
}

TEST_CASE("an INVOKE that comes after its invocation was settled is answered by a poll") {
  Release release;
  static_cast<void>(release.registered());
  CHECK(release.settled("a") == Verdict::hold);
  CHECK(release.invoked("a") == Verdict::ask);
}

TEST_CASE("an invocation has its INVOKE from when that came until the next poll") {
  Release release;
  CHECK_FALSE(release.has_invoke(""));
  static_cast<void>(release.registered());
  CHECK_FALSE(release.has_invoke("a"));
  static_cast<void>(release.invoked("a"));
  CHECK(release.has_invoke("a"));
  CHECK_FALSE(release.has_invoke("b"));
  static_cast<void>(release.settled("a"));
  CHECK_FALSE(release.has_invoke("a"));
}

TEST_CASE("another invocation's end does not release the one at hand") {
  Release release;
  static_cast<void>(release.registered());
  static_cast<void>(release.invoked("a"));
  CHECK(release.settled("b") == Verdict::hold);
  CHECK(release.settled("a") == Verdict::ask);
  CHECK(release.invoked("b") == Verdict::ask);
}

TEST_CASE("a repeated request id needs an INVOKE and an end each time") {
  Release release;
  static_cast<void>(release.registered());
  static_cast<void>(release.invoked("a"));
  CHECK(release.settled("a") == Verdict::ask);
  CHECK(release.invoked("a") == Verdict::hold);
  CHECK(release.settled("a") == Verdict::ask);
}

TEST_CASE("a refused poll is tried once more when the next invocation is settled, then never") {
  Release release;
  static_cast<void>(release.registered());
  CHECK(release.refused() == Verdict::hold);
  CHECK(release.settled("a") == Verdict::ask);
  CHECK(release.refused() == Verdict::hold);
  CHECK(release.settled("b") == Verdict::hold);
  CHECK(release.settled("c") == Verdict::hold);
}

TEST_CASE("a refusal that is heard of after the invocation was settled is answered at once") {
  Release release;
  static_cast<void>(release.registered());
  CHECK(release.settled("a") == Verdict::hold);
  CHECK(release.refused() == Verdict::ask);
  CHECK(release.settled("b") == Verdict::hold);
  CHECK(release.refused() == Verdict::hold);
  CHECK(release.settled("c") == Verdict::hold);
}

TEST_CASE("a poll that succeeds again earns a refusal another try") {
  Release release;
  static_cast<void>(release.registered());
  CHECK(release.refused() == Verdict::hold);
  CHECK(release.settled("a") == Verdict::ask);
  CHECK(release.invoked("b") == Verdict::hold);
  CHECK(release.settled("b") == Verdict::ask);
  CHECK(release.refused() == Verdict::hold);
  CHECK(release.settled("c") == Verdict::ask);
}

}  // namespace postlude::extension
