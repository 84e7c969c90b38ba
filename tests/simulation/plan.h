#pragma once

#include "runtime/config.h"
#include "tests/simulation/chance.h"

#include <string>
#include <vector>

namespace postlude::simulation {

/// What a seed decides before anything happens: the configuration, and how much there is to do.
struct Plan {
  runtime::Config config;
  int invocations = 1;     ///< before the calm one that ends every schedule
  bool defers = false;     ///< the function defers tasks
  std::string stubborn;    ///< the attempts of this task never end by themselves; empty: none
  bool read_only = false;  ///< nothing can ever be kept
  bool vanishes = false;   ///< the environment ends without a signal

  [[nodiscard]] const std::string& demand_task(Chance& chance) const;
};

[[nodiscard]] Plan draw_plan(Chance& chance, const std::string& root);

}  // namespace postlude::simulation
