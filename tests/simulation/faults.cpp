#include "tests/simulation/faults.h"

#include "tests/simulation/simulation.h"

namespace postlude::simulation {
namespace {

constexpr int kUsual = 12;

}  // namespace

Faults::Faults(Chance chance)
    : chance_(chance),
      extension_crashes_(chance_.percent(20)),
      shim_crashes_(chance_.percent(kUsual)),
      extension_stops_(chance_.percent(kUsual)),
      freezes_(chance_.percent(kUsual)),
      disk_breaks_(chance_.percent(kUsual)),
      wipes_(chance_.percent(kUsual)),
      registration_fails_(chance_.percent(kUsual)),
      start_fails_(chance_.percent(3)),
      polls_refused_(chance_.percent(5)),
      late_invokes_(chance_.percent(20)),
      answers_refused_(chance_.percent(kUsual)),
      runtime_dies_(chance_.percent(kUsual)),
      runtime_hangs_(chance_.percent(kUsual)),
      repeats_polls_(chance_.percent(kUsual)) {}

bool Faults::draws(bool kind, int percent) {
  return kind && !ceased_ && chance_.percent(percent);
}

void Faults::begin_invocation(Millis timeout) {
  const auto moment = [this, timeout] {
    return chance_.percent(60) ? Millis(chance_.between(0, 200))
                               : chance_.between(Millis(0), timeout);
  };
  if (draws(extension_crashes_, 40)) {
    happens(moment(), &Faults::crash_extension);
  }
  if (draws(shim_crashes_, 40)) {
    happens(moment(), &Faults::crash_shim);
  }
  if (draws(extension_stops_, 40)) {
    happens(moment(), &Faults::stop_extension);
  }
  if (draws(freezes_, 40)) {
    happens(moment(), &Faults::freeze);
  }
  if (draws(disk_breaks_, 40)) {
    happens(moment(), &Faults::break_disk);
  }
  if (draws(wipes_, 40)) {
    happens(moment(), &Faults::wipe);
  }
}

void Faults::happens(Millis delay, void (Faults::*fault)()) {
  World::current().outside(delay, [this, fault] {
    if (!ceased_) {
      (this->*fault)();
    }
  });
}

void Faults::wipe() {
  Simulation::current().wipe_disk();
}

void Faults::crash_extension() {
  if (Process* const extension = Simulation::current().extension(); extension != nullptr) {
    World::current().say("fault: the extension is to crash");
    extension->crash_after(chance_.percent(30) ? 0 : chance_.between(0, 12));
  }
}

void Faults::crash_shim() {
  if (Process* const shim = Simulation::current().shim(); shim != nullptr) {
    World::current().say("fault: the shim is to crash");
    shim->crash_after(chance_.percent(30) ? 0 : chance_.between(0, 12));
  }
}

void Faults::stop_extension() {
  const Process* const extension = Simulation::current().extension();
  if (extension == nullptr) {
    return;
  }
  const pid_t pid = extension->pid();
  World::current().say("fault: the extension is stopped");
  World::current().find(pid)->stop(World::current().now());
  const Millis time =
      chance_.percent(60) ? Millis(chance_.between(1, 90)) : Millis(chance_.between(90, 20000));
  Simulation::current().platform().excuse_within(
      time < kHangNoticed ? time + Millis(300) : kHangNoticed, "the extension was stopped");
  Simulation::current().platform().extension_stopped();
  World::current().outside(time, [pid] {
    World::current().say("the extension goes on");
    World::current().find(pid)->go_on();
  });
}

void Faults::freeze() {
  if (World::current().frozen()) {
    return;
  }
  World::current().say("fault: everything is frozen");
  World::current().freeze();
  Simulation::current().platform().excuse("it was frozen");
  const Millis time =
      chance_.percent(50) ? Millis(chance_.between(1, 300)) : Millis(chance_.between(300, 90000));
  World::current().outside(time, [] {
    World::current().say("everything goes on");
    World::current().thaw();
  });
}

void Faults::break_disk() {
  Disk& disk = Simulation::current().disk();
  if (disk.state() != Disk::State::writable) {
    return;
  }
  disk.become(Disk::State::full);
  Simulation::current().platform().disk_full();
  World::current().say("fault: the disk is full");
  World::current().outside(Millis(chance_.between(1, 3000)), [&disk] {
    World::current().say("the disk has room again");
    disk.become(Disk::State::writable);
  });
}

bool Faults::extension_cannot_start() {
  return draws(start_fails_, 50);
}

Faults::Registration Faults::registration() {
  if (!draws(registration_fails_, 70)) {
    return Registration::accepted;
  }
  constexpr std::array<Registration, 3> kKinds = {
      Registration::refused, Registration::slow, Registration::lost};
  return chance_.pick(kKinds);
}

bool Faults::refuses_poll() {
  return draws(polls_refused_, 20);
}

bool Faults::late_invoke() {
  return draws(late_invokes_, 40);
}

int Faults::refused_answer() {
  if (!draws(answers_refused_, 25)) {
    return 0;
  }
  constexpr std::array<int, 3> kStatuses = {413, 500, 400};
  return chance_.pick(kStatuses);
}

bool Faults::runtime_fails_init() {
  return draws(runtime_dies_, 5);
}

}  // namespace postlude::simulation
