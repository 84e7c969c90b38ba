#include "common/signals.h"

#include "tests/simulation/world.h"

#include <poll.h>

namespace postlude {

using simulation::Process;
using simulation::World;

Result<Signals> Signals::block(std::initializer_list<int> /*signals*/) {
  Process* const self = World::current().running();
  return Signals(UniqueFd(World::current().descriptors().open(
      {.ready = [self] { return self->signal_pending() ? short{POLLIN} : short{0}; }})));
}

std::optional<int> Signals::take() {
  return World::current().running()->take_signal();
}

}  // namespace postlude
