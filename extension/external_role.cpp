#include "extension/external_role.h"

#include "common/platform_facts.h"

#include <algorithm>
#include <array>

namespace postlude::extension {
namespace {

bool same_word(std::string_view left, std::string_view right) {
  const auto lower = [](char letter) {
    return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
  };
  return std::equal(
      left.begin(), left.end(), right.begin(), right.end(), [&lower](char one, char other) {
        return lower(one) == lower(other);
      });
}

}  // namespace

ExternalRole external_role(const Environment& environment) {
  if (environment.get_or("POSTLUDE_DISABLED", {}) == "1") {
    return {Subscription::none, "POSTLUDE_DISABLED is 1"};
  }
  if (environment.get_or("AWS_LAMBDA_EXEC_WRAPPER", {}).empty()) {
    return {Subscription::none,
            "AWS_LAMBDA_EXEC_WRAPPER was not set when the extension had to register"};
  }
  if (invocation_order(environment) == InvocationOrder::overlapping) {
    return {Subscription::shutdown, {}};
  }
  return {};
}

EpochTime work_until(const PlatformEvent& shutdown, EpochTime now) {
  EpochTime end = now + kShutdownBudget;
  if (shutdown.deadline != EpochTime()) {
    end = std::min(end, shutdown.deadline);
  }
  return std::max(end - kShutdownReserve, now);
}

bool starts_over(std::string_view reason) {
  constexpr std::array<std::string_view, 3> kResets = {"timeout", "failure", "ReleaseFail"};
  return std::any_of(kResets.begin(), kResets.end(), [reason](std::string_view word) {
    return same_word(reason, word);
  });
}

}  // namespace postlude::extension
