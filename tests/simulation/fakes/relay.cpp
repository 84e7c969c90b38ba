#include "runtime/relay.h"

#include "tests/simulation/simulation.h"

#include <poll.h>

#include <map>
#include <memory>
#include <utility>

namespace postlude::runtime {

using simulation::RelayEnd;
using simulation::Simulation;
using simulation::World;

namespace {

/// The relay of each shim that lives; a generation's last breath may overlap with the next one's
/// first.
std::map<int, std::unique_ptr<RelayEnd>>& ends() {
  static std::map<int, std::unique_ptr<RelayEnd>> all;
  return all;
}

RelayEnd& end_of(int descriptor) {
  return *ends().at(descriptor);
}

}  // namespace

Result<std::unique_ptr<Relay>> Relay::listen(EventLoop& loop,
                                             const TcpAddress& platform,
                                             RelayTraffic& traffic,
                                             ResponseMode response_mode) {
  const auto number = std::make_shared<int>(0);
  *number = World::current().descriptors().open(
      {.ready = [number] { return end_of(*number).ready() ? short{POLLIN} : short{0}; },
       .closed = [number] { ends().erase(*number); }});
  return std::unique_ptr<Relay>(new Relay(
      {.loop = loop, .platform = platform, .traffic = traffic, .response_mode = response_mode},
      {.fd = UniqueFd(*number), .port = 1}));
}

Relay::Relay(RelayContext context, TcpListener listener)
    : context_(std::move(context)),
      listener_(context_.loop, [this](short) { accept_all(); }),
      address_("127.0.0.1:1") {
  const int descriptor = listener.fd.get();
  listener_.open(std::move(listener.fd));
  listener_.want(POLLIN);
  auto end = std::make_unique<RelayEnd>(RelayEnd::Place{
      .loop = context_.loop, .traffic = context_.traffic, .ended = [this] { on_ended_(); }});
  Simulation::current().relay_listens(*end);
  ends()[descriptor] = std::move(end);
}

void Relay::resume_polls() {
  end_of(listener_.fd()).resume();
}

bool Relay::drained() const {
  return end_of(listener_.fd()).drained();
}

bool Relay::awaits_answer() const {
  return end_of(listener_.fd()).awaits_answer();
}

void Relay::accept_all() {
  end_of(listener_.fd()).take_one();
}

}  // namespace postlude::runtime
