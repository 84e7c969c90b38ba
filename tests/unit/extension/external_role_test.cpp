#include "extension/external_role.h"

#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

namespace postlude::extension {
namespace {

using Variables = std::vector<std::pair<std::string, std::string>>;

const std::pair<std::string, std::string> kWrapper = {"AWS_LAMBDA_EXEC_WRAPPER", "/opt/postlude"};

ExternalRole role(Variables variables) {
  return external_role(Environment(std::move(variables)));
}

PlatformEvent shutdown_at(EpochTime deadline) {
  PlatformEvent event;
  event.kind = PlatformEvent::Kind::shutdown;
  event.deadline = deadline;
  return event;
}

}  // namespace

TEST_CASE("under a wrapper the platform waits for the extension in every invocation") {
  const ExternalRole asked = role({kWrapper});
  CHECK(asked.events == Subscription::invoke_and_shutdown);
  CHECK(asked.driven_because.empty());
  CHECK(role({kWrapper, {"POSTLUDE_DISABLED", "0"}}).events == Subscription::invoke_and_shutdown);
}

TEST_CASE("a disabled extension, or one without a wrapper, asks for no event and says why") {
  for (const Variables& variables : {Variables{},
                                     Variables{{"AWS_LAMBDA_EXEC_WRAPPER", ""}},
                                     Variables{kWrapper, {"POSTLUDE_DISABLED", "1"}}}) {
    const ExternalRole asked = role(variables);
    CHECK(asked.events == Subscription::none);
    CHECK_FALSE(asked.driven_because.empty());
  }
}

TEST_CASE("on Managed Instances the extension is told of the shutdown alone") {
  const ExternalRole asked = role({kWrapper, {"AWS_LAMBDA_MAX_CONCURRENCY", "16"}});
  CHECK(asked.events == Subscription::shutdown);
  CHECK(asked.driven_because.empty());
}

TEST_CASE("work ends before the platform kills, whatever SHUTDOWN says of the time") {
  const EpochTime now = from_epoch_ms(1000000);
  CHECK(work_until(shutdown_at(now + Millis(1700)), now) == now + Millis(1500));
  CHECK(work_until(shutdown_at(EpochTime()), now) == now + Millis(1800));
  CHECK(work_until(shutdown_at(now + std::chrono::hours(1)), now) == now + Millis(1800));
  CHECK(work_until(shutdown_at(now + Millis(100)), now) == now);
  CHECK(work_until(shutdown_at(now - Millis(5)), now) == now);
}

TEST_CASE("after a timeout or a failure the environment starts over, else it is gone") {
  for (const char* reason : {"TIMEOUT", "Timeout", "FAILURE", "failure", "ReleaseFail"}) {
    CHECK(starts_over(reason));
  }
  for (const char* reason :
       {"SPINDOWN", "spindown", "SandboxTerminated", "", "time", "something"}) {
    CHECK_FALSE(starts_over(reason));
  }
}

}  // namespace postlude::extension
