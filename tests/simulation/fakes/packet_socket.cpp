// Sockets between simulated processes: a packet that was sent is at the other side at once; whether
// its process has a turn is another matter.
#include "common/packet_socket.h"

#include "tests/simulation/simulation.h"

#include <fcntl.h>
#include <poll.h>

#include <deque>
#include <map>
#include <memory>

namespace postlude {
namespace {

using simulation::World;

struct Packet {
  std::string text;
  std::vector<UniqueFd> descriptors;
};

/// What one side has not read yet.
struct Direction {
  std::deque<Packet> packets;
  bool reader_gone = false;
  bool writer_gone = false;
};

/// Packets that wait before a sender has to: few, so that queueing is exercised.
constexpr std::size_t kMostWaiting = 24;

struct End {
  std::shared_ptr<Direction> in;
  std::shared_ptr<Direction> out;
};

struct Listener {
  std::deque<UniqueFd> waiting;
};

struct Sockets {
  std::map<int, End> ends;
  std::map<int, std::shared_ptr<Listener>> listeners;
  std::map<std::string, std::shared_ptr<Listener>, std::less<>> names;
};

/// Descriptors are never used twice in a schedule, and closed ones leave the tables.
Sockets& sockets() {
  static Sockets all;
  return all;
}

short readiness(const End& end) {
  short ready = 0;
  if (!end.in->packets.empty()) {
    ready |= POLLIN;
  }
  if (end.in->writer_gone) {
    ready |= POLLIN | POLLHUP;
  }
  if (end.out->packets.size() < kMostWaiting) {
    ready |= POLLOUT;
  }
  return ready;
}

UniqueFd open_end(const End& end) {
  const int descriptor = World::current().descriptors().open(
      {.ready = [end] { return readiness(end); },
       .closed = [end] { end.in->reader_gone = end.out->writer_gone = true; }});
  sockets().ends[descriptor] = end;
  return UniqueFd(descriptor);
}

}  // namespace

std::string external_link_name(std::string_view runtime_api) {
  return "postlude-external-" + std::string(runtime_api);
}

Result<PacketSocket> PacketSocket::connect(std::string_view name) {
  const auto found = sockets().names.find(name);
  if (found == sockets().names.end()) {
    return fail("connect: nobody listens");
  }
  const auto there = std::make_shared<Direction>();
  const auto back = std::make_shared<Direction>();
  if (World::current().acts()) {
    found->second->waiting.push_back(open_end({there, back}));
  }
  return PacketSocket(open_end({back, there}));
}

pid_t PacketSocket::peer() const {
  return 0;  // as across process namespaces: only one shim is played
}

Result<void> PacketSocket::send(std::string_view packet, const std::vector<UniqueFd>& descriptors) {
  const End& end = sockets().ends.at(fd_.get());
  if (!World::current().acts()) {
    return {};
  }
  if (end.out->reader_gone) {
    return fail(ErrorCode::closed, "send: the peer is gone");
  }
  if (end.out->packets.size() >= kMostWaiting) {
    return fail(ErrorCode::would_block, "send: the peer does not read");
  }
  if (packet.size() > kMaxPacketBytes) {
    World::current().violate("a packet is too large");
  }
  Packet sent{std::string(packet), {}};
  for (const UniqueFd& descriptor : descriptors) {
    sent.descriptors.emplace_back(::fcntl(descriptor.get(), F_DUPFD_CLOEXEC, 0));
  }
  World::current().say("sends {}", packet);
  simulation::Simulation::current().packet_sent(packet);
  end.out->packets.push_back(std::move(sent));
  return {};
}

Result<std::optional<std::string>> PacketSocket::receive() {
  const End& end = sockets().ends.at(fd_.get());
  if (end.in->packets.empty()) {
    if (end.in->writer_gone) {
      return fail(ErrorCode::closed, "receive: the peer is gone");
    }
    return std::nullopt;
  }
  Packet packet = std::move(end.in->packets.front());
  end.in->packets.pop_front();
  received_ = std::move(packet.descriptors);
  return packet.text;
}

Result<PacketListener> PacketListener::listen(std::string_view name) {
  auto listener = std::make_shared<Listener>();
  const std::string owned(name);
  const int descriptor = World::current().descriptors().open(
      {.ready = [listener] { return listener->waiting.empty() ? short{0} : short{POLLIN}; },
       .closed =
           [listener, owned] {
             listener->waiting.clear();
             sockets().names.erase(owned);
           }});
  sockets().listeners[descriptor] = listener;
  sockets().names[owned] = listener;
  return PacketListener(UniqueFd(descriptor));
}

Result<std::optional<PacketSocket>> PacketListener::accept() {
  const auto& listener = sockets().listeners.at(fd_.get());
  if (listener->waiting.empty()) {
    return std::nullopt;
  }
  PacketSocket socket(std::move(listener->waiting.front()));
  listener->waiting.pop_front();
  return socket;
}

}  // namespace postlude
