#pragma once

#include <random>

namespace postlude::extension {

/// A random number in [0, 1). From the kernel each time: a generator of ours would be part of a
/// snapshot, and all copies of it would draw the same.
[[nodiscard]] inline double fresh_fraction() {
  std::random_device kernel;
  return std::generate_canonical<double, 16>(kernel);
}

}  // namespace postlude::extension
