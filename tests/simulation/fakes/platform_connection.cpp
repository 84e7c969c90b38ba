#include "common/platform_connection.h"

#include "tests/simulation/simulation.h"

#include <poll.h>

#include <memory>
#include <utility>

namespace postlude {

using simulation::Simulation;
using simulation::World;

PlatformConnection::~PlatformConnection() {
  drop();
}

// NOLINTNEXTLINE(performance-unnecessary-value-param): as the header says
void PlatformConnection::request(std::string bytes, Done done, Reading reading) {
  done_ = std::move(done);
  resting_ = reading == Reading::when_attended;
  const auto arrived = std::make_shared<std::optional<Result<PlatformAnswer>>>();
  fd_.reset(World::current().descriptors().open(
      {.ready = [arrived] { return arrived->has_value() ? short{POLLIN} : short{0}; }}));
  slot_ = loop_.add(fd_.get(), wanted_events(), [this, arrived](short /*revents*/) {
    finish(std::move(arrived->value()));
  });
  if (World::current().acts()) {
    Simulation::current().platform().extension_asks(
        bytes, [arrived](Result<PlatformAnswer> answer) { *arrived = std::move(answer); });
  }
}

void PlatformConnection::attend() {
  if (std::exchange(resting_, false) && slot_) {
    loop_.set_events(*slot_, wanted_events());
  }
}

short PlatformConnection::wanted_events() const {
  return resting_ ? short{0} : short{POLLIN};
}

void PlatformConnection::finish(Result<PlatformAnswer> answer) {
  drop();
  const Done done = std::exchange(done_, {});
  done(std::move(answer));
}

void PlatformConnection::drop() {
  if (slot_) {
    loop_.remove(*std::exchange(slot_, {}));
  }
  fd_.reset();
}

}  // namespace postlude
