#include "common/clock.h"

#include "tests/simulation/world.h"

namespace postlude {

EpochTime now() {
  return simulation::World::current().now();
}

}  // namespace postlude
