#pragma once

#include "common/environment.h"

#include <cstdint>

namespace postlude {

/// How invocations reach this environment.
enum class InvocationOrder : std::uint8_t {
  one_by_one,   ///< each after the one before is released, with freezes between them
  overlapping,  ///< Managed Instances: several at once, no INVOKE event, no freeze
};

/// By AWS_LAMBDA_MAX_CONCURRENCY (lambda-protocol.md 1.11).
[[nodiscard]] inline InvocationOrder invocation_order(const Environment& environment) {
  return environment.get_or("AWS_LAMBDA_MAX_CONCURRENCY", {}).empty()
             ? InvocationOrder::one_by_one
             : InvocationOrder::overlapping;
}

}  // namespace postlude
