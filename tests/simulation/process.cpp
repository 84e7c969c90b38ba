#include "tests/simulation/process.h"

#include "tests/simulation/world.h"

#include <cerrno>
#include <csignal>
#include <utility>

namespace postlude::simulation {

Process::Process(Spec spec) : spec_(std::move(spec)), wakes_(spec_.starts) {
  fiber_ = std::make_unique<Fiber>([this] {
    try {
      end(spec_.program());
    } catch (const SimulatedCrash&) {
      end({ExitStatus::Kind::signalled, SIGKILL});
    }
  });
}

Process::~Process() {
  dead_ = true;
  if (!status_ && turns_ > 0) {
    turn();
  }
}

std::string Process::name() const {
  return fmt::format("{}#{}", role() == Role::shim ? "shim" : "extension", pid());
}

bool Process::runnable(EpochTime now) const {
  if (status_) {
    return false;
  }
  if (dead_) {
    return true;
  }
  if (stopped()) {
    return false;
  }
  if (wakes_ && *wakes_ <= now) {
    return true;
  }
  const Descriptors& descriptors = World::current().descriptors();
  for (nfds_t at = 0; at < entry_count_; ++at) {
    const pollfd& entry = entries_[at];
    if (is_simulated(entry.fd) &&
        (descriptors.ready(entry.fd) & (entry.events | POLLHUP | POLLERR)) != 0) {
      return true;
    }
  }
  return false;
}

std::optional<EpochTime> Process::wakes() const {
  return status_ || stopped() ? std::nullopt : wakes_;
}

void Process::turn() {
  if (dead_ && turns_ == 0) {
    end({ExitStatus::Kind::signalled, SIGKILL});
    return;
  }
  ++turns_;
  if (effects_left_ == 0) {
    kill();
  }
  fiber_->resume();
}

int Process::poll(pollfd* entries, nfds_t count, int timeout) {
  entries_ = entries;
  entry_count_ = count;
  wakes_.reset();
  if (timeout >= 0) {
    wakes_ = World::current().now() + Millis(timeout);
  }
  Fiber::yield();
  if (dead_) {
    throw SimulatedCrash();
  }
  entry_count_ = 0;
  int ready = 0;
  const Descriptors& descriptors = World::current().descriptors();
  for (nfds_t at = 0; at < count; ++at) {
    pollfd& entry = entries[at];
    entry.revents = 0;
    if (is_simulated(entry.fd)) {
      entry.revents =
          static_cast<short>(descriptors.ready(entry.fd) & (entry.events | POLLHUP | POLLERR));
    }
    ready += entry.revents != 0 ? 1 : 0;
  }
  return ready;
}

bool Process::acts() {
  if (!dead_ && effects_left_ && (*effects_left_)-- <= 0) {
    kill();
  }
  return !dead_;
}

void Process::kill() {
  if (!dead_ && !status_) {
    World::current().say("{} is killed", name());
  }
  dead_ = true;
}

void Process::stop(EpochTime at) {
  if (!stopped()) {
    stopped_since_ = at;
  }
}

void Process::go_on() {
  stopped_since_.reset();
  went_on_ = World::current().now();
}

void Process::signal(int number) {
  if (status_) {
    return;
  }
  if (number == SIGKILL) {
    kill();
  } else {
    signals_.push_back(number);
  }
}

std::optional<int> Process::take_signal() {
  if (signals_.empty()) {
    return std::nullopt;
  }
  const int number = signals_.front();
  signals_.pop_front();
  return number;
}

void Process::end(ExitStatus status) {
  status_ = dead_ ? ExitStatus{ExitStatus::Kind::signalled, SIGKILL} : status;
  dead_ = true;
  entry_count_ = 0;
}

}  // namespace postlude::simulation
