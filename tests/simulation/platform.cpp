#include "tests/simulation/platform.h"

#include "tests/simulation/simulation.h"

#include <csignal>
#include <utility>

namespace postlude::simulation {
namespace {

/// lambda-protocol.md 4.6: with an internal extension.
constexpr Millis kShutdownBudget{500};
/// Ours to come to an end in, once the runtime has asked for its next event: packets are slow here.
constexpr Millis kSlack{300};

}  // namespace

void Platform::begin() {
  World::current().outside(Millis(0), [this] { invoke(); });
}

/// The environment is idle or down, and an event comes; or it is to end.
void Platform::invoke() {
  Simulation& simulation = Simulation::current();
  if (invocations_ > plan_.invocations) {
    shut_down();
    return;
  }
  if (invocations_ == plan_.invocations) {
    simulation.calm_down();
  }
  World& world = World::current();
  ++invocations_;
  // Long enough for the whole margin: a task that is carried keeps the one of its own invocation.
  constexpr int kShareOfMargin = 5;
  const int least = kShareOfMargin * static_cast<int>(plan_.config.deadline_margin.count());
  const Millis timeout(world.chance().percent(80) ? world.chance().between(least, least + 8000)
                                                  : world.chance().between(12000, 60000));
  current_ = Invocation{};
  extension_settled_ = false;
  const Process* const extension = simulation.extension();
  extension_hung_ = extension != nullptr && extension->stopped();
  current_->id = fmt::format("req-{}", invocations_);
  current_->deadline = world.now() + timeout;
  world.say("platform: invocation {} of {} ms", current_->id, timeout.count());
  world.outside(timeout, [this, number = invocations_] { time_out(number); });
  world.thaw();
  if (state_ == State::down) {
    start_generation();
  }
  simulation.faults().begin_invocation(timeout);
  deliver_if_ready();
}

void Platform::start_generation() {
  ++generation_;
  state_ = State::starting;
  registration_open_ = true;
  extension_id_.clear();
  extension_parked_ = false;
  rescues_ = 0;
  extension_deaths_ = 0;
  excuse_all_ = false;
  left_behind_ = false;
  extension_known_ = false;
  runtime_poll_.reset();
  extension_poll_.reset();
  // Records of older generations stay where they are if there is no room for a new folder.
  complete_ = Simulation::current().disk().state() == Disk::State::writable;
  Simulation::current().kill_stopped();
  Simulation::current().start_shim(generation_);
}

/// Init is over when the runtime and a registered extension have asked for their first event.
void Platform::deliver_if_ready() {
  const bool ready = runtime_poll_ && (extension_id_.empty() || extension_parked_);
  if (!ready || (state_ != State::starting && state_ != State::idle)) {
    return;
  }
  state_ = State::idle;
  if (!current_) {
    return;
  }
  state_ = State::invoking;
  World& world = World::current();
  if (extension_parked_) {
    extension_parked_ = false;
    current_->extension_called = true;
    Millis delay = world.hop();
    if (Simulation::current().faults().late_invoke()) {
      delay = Millis(world.chance().between(1, 400));
    }
    const std::string body =
        fmt::format(R"({{"eventType":"INVOKE","deadlineMs":{},"requestId":"{}"}})",
                    epoch_ms(current_->deadline),
                    current_->id);
    world.outside(delay, [reply = std::move(*std::exchange(extension_poll_, {})), body] {
      reply(PlatformAnswer{.status = 200, .head = "HTTP/1.1 200 OK\r\n\r\n", .body = body});
    });
  }
  give_event();
}

void Platform::give_event() {
  current_->delivered = true;
  current_->runtime_done = false;
  World::current().outside(World::current().hop(),
                           [reply = std::move(*std::exchange(runtime_poll_, {})),
                            head = event_head()] { reply(head, "{}"); });
}

std::string Platform::event_head() const {
  return fmt::format(
      "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nLambda-Runtime-Aws-Request-Id: {}\r\n"
      "Lambda-Runtime-Deadline-Ms: {}\r\n\r\n",
      current_->id,
      epoch_ms(current_->deadline));
}

void Platform::runtime_polls(EventReply reply) {
  registration_open_ = false;
  if (runtime_poll_) {
    World::current().violate("the runtime's poll goes up twice");
  }
  runtime_poll_ = std::move(reply);
  if (state_ == State::invoking && current_) {
    if (!current_->answered) {
      give_event();  // polled again without an answer
      return;
    }
    current_->runtime_done = true;
    end_if_done();
  } else {
    deliver_if_ready();
  }
}

void Platform::answer_begins(const std::string& id) {
  if (state_ == State::ending) {
    return;
  }
  if (!current_ || current_->id != id || !current_->delivered) {
    World::current().violate(fmt::format("an answer to {}, which is not open", id));
    return;
  }
  if (current_->answered || current_->answering) {
    World::current().violate(fmt::format("a second answer to {}", id));
    return;
  }
  current_->answering = true;
  current_->verdict = Simulation::current().faults().refused_answer();
}

void Platform::answer_ends(const Answer& answer, StatusReply reply) {
  int status = 403;
  constexpr int kTooLarge = 413;
  if (current_ && current_->id == answer.id && std::exchange(current_->answering, false)) {
    status = current_->verdict == 0 ? 202 : current_->verdict;
    if (current_->verdict == 0) {
      answer_caller(!answer.failed);
    } else if (current_->verdict == kTooLarge) {
      answer_caller(false);
    }
  }
  World::current().outside(World::current().hop(),
                           [reply = std::move(reply), status] { reply(status); });
}

void Platform::answer_breaks(const std::string& id) {
  if (current_ && current_->id == id && std::exchange(current_->answering, false)) {
    answer_caller(false);
  }
}

void Platform::answer_caller(bool success) {
  World::current().say("platform: the caller of {} has its answer ({})",
                       current_->id,
                       success ? "success" : "failure");
  current_->answered = true;
  expect_tasks(success);
}

/// The configured tasks that this outcome promises.
void Platform::expect_tasks(bool success) {
  for (const Task& task : plan_.config.tasks) {
    const bool waits =
        task.when == When::always || task.when == (success ? When::success : When::failure);
    if (task.trigger == Trigger::invocation && waits) {
      Simulation::current().ledger().expected(fmt::format("{}/{}/1", current_->id, task.name));
    }
  }
}

void Platform::end_if_done() {
  if (state_ != State::invoking || !current_->answered || !current_->runtime_done ||
      (current_->extension_called && !extension_parked_)) {
    return;
  }
  World::current().say("platform: {} is over", current_->id);
  // Work that goes on when the shim has let go at the work deadline stops in the next invocation.
  left_behind_ = left_behind_ || (driven() && work_time_is_over());
  Simulation::current().check_released(left_behind_);
  state_ = State::idle;
  invocation_over();
}

/// As near as it can be known from outside.
bool Platform::work_time_is_over() const {
  const Millis margin = plan_.config.deadline_margin;
  constexpr Millis kRounding{10};
  return plan_.config.hold_limit ||
         World::current().now() + kRounding >= current_->deadline - margin;
}

/// The next one comes after a while, in which an idle environment is frozen.
void Platform::invocation_over() {
  World& world = World::current();
  current_.reset();
  const auto kind = world.chance().below(100);
  Millis pause(world.chance().between(0, 50));
  if (kind > 40) {
    pause = kind < 80 ? Millis(world.chance().between(50, 5000))
                      : Millis(world.chance().between(5000, 3600000));
  }
  if (state_ == State::idle && pause > Millis::zero() && world.chance().percent(80)) {
    world.freeze();
  }
  world.outside(pause, [this] { invoke(); });
}

void Platform::time_out(int number) {
  if (number != invocations_ || !current_) {
    return;
  }
  World& world = World::current();
  world.say("platform: {} times out", current_->id);
  const auto& runtime = Simulation::current().runtime();
  // A hang is noticed some seconds after somebody began to wait for the extension's word.
  const Millis ours = extension_hung_ ? kHangNoticed : kSlack;
  const bool waited = runtime.runs() && runtime.asking_since() &&
                      *runtime.asking_since() + ours < current_->deadline;
  if (waited && current_->excuse.empty() && !excuse_all_) {
    world.violate(fmt::format(
        "{} ran into its timeout, though the runtime had asked for its next event", current_->id));
  }
  reset();
}

void Platform::reset() {
  World& world = World::current();
  state_ = State::ending;
  current_.reset();
  Simulation::current().environment_ends();
  const bool warns = !extension_id_.empty() && world.chance().percent(50);
  Simulation::current().signal_shim(warns ? SIGTERM : SIGKILL);
  world.outside(warns ? kShutdownBudget : Millis(0),
                [generation = generation_] { Simulation::current().kill_shim(generation); });
}

void Platform::shut_down() {
  World& world = World::current();
  world.thaw();
  if (state_ == State::down) {
    state_ = State::over;
    return;
  }
  const bool warns = !extension_id_.empty() && !plan_.vanishes;
  world.say("platform: the environment ends{}", warns ? "" : " without a signal");
  state_ = State::ending;
  shutting_down_ = true;
  const Process* const extension = Simulation::current().extension();
  in_order_ = warns && complete_ && extension != nullptr && !extension->stopped();
  Simulation::current().signal_shim(warns ? SIGTERM : SIGKILL);
  world.outside(warns ? kShutdownBudget : Millis(0), [warns, generation = generation_] {
    if (Simulation::current().shim() != nullptr && warns) {
      World::current().violate("the shim is still there when the time of the shutdown is over");
    }
    Simulation::current().kill_shim(generation);
  });
}

void Platform::shim_ended(ExitStatus status) {
  World& world = World::current();
  if (shutting_down_) {
    state_ = State::over;
    return;
  }
  if (state_ == State::ending) {
    state_ = State::down;
    invocation_over();
    return;
  }
  world.say("platform: the runtime process ended: {}", describe(status));
  state_ = State::down;
  if (current_) {
    world.say("platform: {} ends with it", current_->id);
    invocation_over();
  }
}

void Platform::runtime_died() {
  if (current_ && current_->delivered && !current_->answered && !current_->answering) {
    expect_tasks(false);
  }
}

void Platform::excuse_within(Millis time, const std::string& reason) {
  if (current_ && remaining(current_->deadline, World::current().now()) < time) {
    excuse(reason);
  }
}

void Platform::excuse(const std::string& reason) {
  if (current_) {
    current_->excuse = reason;
  }
}

std::optional<EpochTime> Platform::deadline() const {
  return current_ ? std::optional(current_->deadline) : std::nullopt;
}

}  // namespace postlude::simulation
