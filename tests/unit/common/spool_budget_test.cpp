#include "common/spool_budget.h"

#include <doctest/doctest.h>

namespace postlude {
namespace {

const EpochTime kNow = from_epoch_ms(1'775'516'174'092);

}  // namespace

TEST_CASE("a budget takes bytes up to its limit and not one more") {
  SpoolBudget budget(100);
  CHECK(budget.fits(100));
  CHECK_FALSE(budget.fits(101));
  budget.add(60);
  CHECK(budget.fits(40));
  CHECK_FALSE(budget.fits(41));
  budget.add(50);  // written before the limit was looked at
  CHECK_FALSE(budget.fits(0));
}

TEST_CASE("a spool without a limit takes everything") {
  SpoolBudget budget;
  budget.add(SpoolBudget::kUnlimited - 1);
  CHECK(budget.fits(1));
}

TEST_CASE("what was removed since makes room once the folder is measured") {
  SpoolBudget budget(100);
  budget.add(100);
  CHECK(budget.worth_measuring(1, kNow));
  budget.measured({2, 30}, kNow);
  CHECK(budget.fits(70));
  CHECK_FALSE(budget.fits(71));
}

TEST_CASE("what can never fit is refused without looking") {
  const SpoolBudget budget(100);
  CHECK_FALSE(budget.worth_measuring(101, kNow));
}

TEST_CASE("few files are measured every time, many once a second, whatever the clock does") {
  SpoolBudget budget(100);
  budget.measured({SpoolBudget::kFewFiles, 100}, kNow);
  CHECK(budget.worth_measuring(1, kNow));
  budget.measured({SpoolBudget::kFewFiles + 1, 100}, kNow);
  CHECK_FALSE(budget.worth_measuring(1, kNow));
  CHECK_FALSE(budget.worth_measuring(1, kNow + Millis(999)));
  CHECK(budget.worth_measuring(1, kNow + Millis(1000)));
  CHECK(budget.worth_measuring(1, kNow - Millis(1)));
}

TEST_CASE("a refusal names the use, the limit, its variable and the remedy") {
  SpoolBudget budget(100);
  budget.add(95);
  CHECK(budget.refusal(7) ==
        "the spool is full: tasks that have not ended take 95 bytes, 7 more would exceed the 100 "
        "of POSTLUDE_SPOOL_LIMIT; raise it, or give tasks that do not fit into an invocation a "
        "deadLetter");
}

}  // namespace postlude
