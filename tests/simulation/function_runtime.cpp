#include "tests/simulation/function_runtime.h"

#include "common/http_head.h"
#include "tests/simulation/simulation.h"

#include <csignal>
#include <utility>

namespace postlude::simulation {
namespace {

using runtime::ExchangeKind;

constexpr int kAccepted = 202;

Millis thinking(Chance& chance) {
  const auto kind = chance.below(100);
  if (kind < 60) {
    return Millis(chance.between(0, 3));
  }
  return Millis(kind < 92 ? chance.between(3, 120) : chance.between(120, 2500));
}

}  // namespace

void FunctionRuntime::start(pid_t pid, Process& shim) {
  ++life_;
  pid_ = pid;
  shim_ = &shim;
  status_.reset();
  asking_since_.reset();
  Chance& chance = World::current().chance();
  after(Millis(chance.between(0, 80)), [this] {
    if (Simulation::current().faults().runtime_fails_init()) {
      exit({ExitStatus::Kind::exited, 1});
    } else {
      poll();
    }
  });
}

void FunctionRuntime::after(Millis delay, std::function<void()> then) {
  World::current().later(delay, [this, life = life_, then = std::move(then)] {
    if (life == life_ && runs()) {
      then();
    }
  });
}

void FunctionRuntime::send(RuntimeRequest request) {
  if (request.done) {
    request.done = [this, life = life_, done = std::move(request.done)](
                       int status, const std::string& head, const std::string& body) {
      if (life == life_ && runs()) {
        done(status, head, body);
      }
    };
  }
  if (RelayEnd* const relay = Simulation::current().relay()) {
    relay->submit(std::move(request));
  }
}

void FunctionRuntime::poll() {
  World::current().say("runtime asks for its next event");
  asking_since_ = World::current().now();
  RuntimeRequest request;
  request.done = [this](int /*status*/, const std::string& head, const std::string& body) {
    event_came(head, body);
  };
  send(std::move(request));
}

void FunctionRuntime::event_came(const std::string& head, const std::string& body) {
  asking_since_.reset();
  const HttpHead event(head);
  event_id_ = event.find("Lambda-Runtime-Aws-Request-Id").value_or("");
  const bool own = Simulation::current().handler_taken(body);
  World::current().say("runtime gets {}event {}", own ? "handler " : "", event_id_);
  answered_ = false;
  acts_ = script(own);
  next_act();
}

std::vector<FunctionRuntime::Act> FunctionRuntime::script(bool own_event) const {
  Simulation& simulation = Simulation::current();
  Chance& chance = World::current().chance();
  std::vector<Act> acts;
  const auto maybe = [&](int percent, Act act) {
    if (chance.percent(percent)) {
      acts.push_back(act);
    }
  };
  const bool defers = simulation.plan().defers && !own_event;
  while (defers && chance.percent(40) && acts.size() < 4) {
    acts.push_back(Act::defer);
  }
  maybe(own_event ? 10 : 0, Act::defer);
  maybe(5, Act::ask);
  maybe(simulation.faults().runtime_dies_early(), Act::exit);
  maybe(simulation.faults().runtime_hangs(), Act::hang);
  maybe(simulation.faults().repeats_polls(), Act::poll);
  maybe(25, Act::answer_early);
  if (!acts.empty() && acts.back() == Act::answer_early) {
    while (defers && chance.percent(30) && acts.size() < 8) {
      acts.push_back(Act::defer);
    }
    maybe(20, Act::ask);
  }
  const auto kind = chance.below(100);
  if (kind < 75) {
    acts.push_back(Act::answer);
  } else if (kind < 90) {
    acts.push_back(Act::fail);
  } else {
    acts.push_back(kind < 95 ? Act::fail_streaming : Act::cut_answer);
  }
  maybe(defers ? 15 : 0, Act::defer);
  maybe(simulation.faults().runtime_dies_late(), Act::exit);
  acts.push_back(Act::poll);
  return acts;
}

void FunctionRuntime::next_act() {
  if (acts_.empty()) {
    return;
  }
  const Act act = acts_.front();
  acts_.erase(acts_.begin());
  after(thinking(World::current().chance()), [this, act] { perform(act); });
}

void FunctionRuntime::perform(Act act) {
  Chance& chance = World::current().chance();
  RuntimeRequest request{.id = event_id_, .upload = World::current().hop()};
  switch (act) {
    case Act::defer:
      defer();
      return;
    case Act::ask:
      request.kind = ExchangeKind::inspect;
      request.id = chance.percent(50) ? "current" : event_id_;
      request.done = [this](int, const std::string&, const std::string&) { next_act(); };
      send(std::move(request));
      return;
    case Act::answer_early:
      request.kind = ExchangeKind::early_response;
      request.cut = chance.percent(5);
      if (chance.percent(40)) {  // the handler goes on while its answer is on its way
        request.upload = Millis(chance.between(0, 20));
        send(std::move(request));
        next_act();
      } else {
        answer(std::move(request), false);
      }
      return;
    case Act::answer:
      request.kind = ExchangeKind::response;
      answer(std::move(request), true);
      return;
    case Act::fail:
      request.kind = ExchangeKind::invocation_error;
      request.error_type = "Function.Oops";
      answer(std::move(request), false);
      return;
    case Act::fail_streaming:
      request.kind = ExchangeKind::response;
      request.error_type = "Function.Oops";
      answer(std::move(request), false);
      return;
    case Act::cut_answer:
      request.kind = ExchangeKind::response;
      request.cut = true;
      answer(std::move(request), false);
      return;
    case Act::exit:
      exit({ExitStatus::Kind::exited, chance.between(0, 1)});
      return;
    case Act::hang:
      World::current().say("runtime hangs");
      return;
    case Act::poll:
      poll();
      return;
  }
}

void FunctionRuntime::answer(RuntimeRequest request, bool may_retry) {
  World::current().say("runtime answers {} (kind {}{})",
                       request.id,
                       static_cast<int>(request.kind),
                       request.cut ? ", cut" : "");
  request.done = [this, may_retry](int status, const std::string&, const std::string&) {
    if (status == kAccepted) {
      answered_ = true;
    }
    // A runtime whose response is refused reports an error instead; of one that was too large the
    // platform has made an error already.
    constexpr int kTooLarge = 413;
    if (status != kAccepted && status != kTooLarge && may_retry && !answered_) {
      acts_.insert(acts_.begin(), Act::fail);
    }
    next_act();
  };
  send(std::move(request));
}

void FunctionRuntime::defer() {
  Chance& chance = World::current().chance();
  RuntimeRequest request{.kind = ExchangeKind::defer, .id = event_id_};
  request.body = fmt::format(R"({{"task":"{}","payload":{}}})",
                             Simulation::current().plan().demand_task(chance),
                             chance.below(1000));
  request.done = [this](int, const std::string&, const std::string&) { next_act(); };
  send(std::move(request));
}

void FunctionRuntime::signal(int number) {
  if (!runs()) {
    return;
  }
  if (number == SIGKILL) {
    exit({ExitStatus::Kind::signalled, SIGKILL});
  } else if (number == SIGTERM && World::current().chance().percent(85)) {
    after(World::current().hop(), [this] { exit({ExitStatus::Kind::signalled, SIGTERM}); });
  }
}

void FunctionRuntime::shim_died() {
  if (runs()) {
    shim_ = nullptr;
    exit({ExitStatus::Kind::signalled, SIGKILL});
  }
}

void FunctionRuntime::exit(ExitStatus status) {
  World::current().say("runtime ends: {}", describe(status));
  status_ = status;
  asking_since_.reset();
  if (shim_ == nullptr) {
    return;
  }
  Simulation::current().platform().runtime_died();
  if (RelayEnd* const relay = Simulation::current().relay()) {
    relay->runtime_gone();
  }
  shim_->signal(SIGCHLD);
}

}  // namespace postlude::simulation
