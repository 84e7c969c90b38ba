#pragma once

#include "common/clock.h"
#include "tests/simulation/chance.h"

namespace postlude::simulation {

class Process;

/// What goes wrong in a schedule. Each kind of fault is on or off for the whole of it, so that
/// there are calm schedules, and ones with every combination of a few.
class Faults {
 public:
  enum class Registration { accepted, refused, slow, lost };

  explicit Faults(Chance chance);

  /// From here on nothing goes wrong any more.
  void cease() { ceased_ = true; }

  /// Draws what happens during an invocation that begins now, and lets it happen.
  void begin_invocation(Millis timeout);

  [[nodiscard]] bool extension_cannot_start();
  [[nodiscard]] Registration registration();
  [[nodiscard]] bool refuses_poll();
  [[nodiscard]] bool late_invoke();
  [[nodiscard]] int refused_answer();  ///< a status; 0: it is taken
  [[nodiscard]] bool runtime_fails_init();
  // In percent of invocations.
  [[nodiscard]] int runtime_dies_early() { return level(runtime_dies_, 25); }
  [[nodiscard]] int runtime_dies_late() { return level(runtime_dies_, 25); }
  [[nodiscard]] int runtime_hangs() { return level(runtime_hangs_, 20); }
  [[nodiscard]] int repeats_polls() { return level(repeats_polls_, 15); }

 private:
  [[nodiscard]] bool draws(bool kind, int percent);
  [[nodiscard]] int level(bool kind, int percent) const { return kind && !ceased_ ? percent : 0; }
  /// `fault` happens then, unless all has ceased by then.
  void happens(Millis delay, void (Faults::*fault)());
  void crash_extension();
  void crash_shim();
  void stop_extension();
  void freeze();
  void break_disk();
  void wipe();

  Chance chance_;
  bool ceased_ = false;
  bool extension_crashes_;
  bool shim_crashes_;
  bool extension_stops_;
  bool freezes_;
  bool disk_breaks_;
  bool wipes_;
  bool registration_fails_;
  bool start_fails_;
  bool polls_refused_;
  bool late_invokes_;
  bool answers_refused_;
  bool runtime_dies_;
  bool runtime_hangs_;
  bool repeats_polls_;
};

}  // namespace postlude::simulation
