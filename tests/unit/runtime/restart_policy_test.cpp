#include "runtime/restart_policy.h"

#include <doctest/doctest.h>

using namespace postlude;
using namespace postlude::runtime;
using Verdict = RestartPolicy::Verdict;

namespace {

constexpr EpochTime kStart{Millis(100000)};

}  // namespace

TEST_CASE("an extension that dies now and then is always started again") {
  RestartPolicy policy;
  for (int death = 0; death < 100; ++death) {
    CHECK(policy.died(kStart + death * Millis(5001)) == Verdict::restart);
  }
}

TEST_CASE("the third death within ten seconds is the last one") {
  RestartPolicy policy;
  CHECK(policy.died(kStart) == Verdict::restart);
  CHECK(policy.died(kStart + Millis(9000)) == Verdict::restart);
  CHECK(policy.died(kStart + RestartPolicy::kWindow) == Verdict::give_up);
}

TEST_CASE("a death that is older than ten seconds does not count") {
  RestartPolicy policy;
  CHECK(policy.died(kStart) == Verdict::restart);
  CHECK(policy.died(kStart + Millis(9000)) == Verdict::restart);
  CHECK(policy.died(kStart + RestartPolicy::kWindow + Millis(1)) == Verdict::restart);
  CHECK(policy.died(kStart + Millis(19000)) == Verdict::give_up);
}
