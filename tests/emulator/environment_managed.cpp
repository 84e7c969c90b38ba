// Managed Instances: several invocations at once, each over with its answer or at its own deadline;
// nothing is frozen and nothing is reset (lambda-protocol.md 1.11).
#include "tests/emulator/error_types.h"
#include "tests/emulator/execution_environment.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <utility>

namespace postlude::emulator {

bool ExecutionEnvironment::try_assign_managed(const std::shared_ptr<Invocation>& invocation,
                                              Fit fit) {
  const std::lock_guard lock(monitor_.mutex);
  if (!accepting_ || stopping_ || occupied_ >= world_.options.concurrency) {
    return false;
  }
  const bool worker = generation_ && generation_->locked_idle_workers() > queue_.size();
  if (fit == Fit::at_once && !worker) {
    return false;
  }
  ++occupied_;
  queue_.push_back({invocation, Clock::now() + world_.options.admission_wait});
  monitor_.changed.notify_all();
  return true;
}

void ExecutionEnvironment::run_managed() {
  if (world_.options.init_moment == InitMoment::on_demand || number_ != 1) {
    std::unique_lock lock(monitor_.mutex);
    monitor_.changed.wait(lock, [&] { return stopping_ || !queue_.empty(); });
  }
  const auto began = Clock::now();
  PhaseEnd end = init(began + world_.options.init_timeout);
  if (end != PhaseEnd::done) {
    report_failed_init(end, InitPhase::init, began);
  } else {
    extend_waits();
    while (end == PhaseEnd::done) {
      end = serve_next();
    }
  }
  end_all(end);
  const bool crashed = end == PhaseEnd::failed;
  shut_down(end == PhaseEnd::expired ? "TIMEOUT" : (crashed ? "FAILURE" : "SPINDOWN"));
}

void ExecutionEnvironment::extend_waits() {
  const std::lock_guard lock(monitor_.mutex);
  for (Waiting& waiting : queue_) {
    waiting.until = Clock::now() + world_.options.admission_wait;
  }
}

ExecutionEnvironment::PhaseEnd ExecutionEnvironment::serve_next() {
  if (!wait_for_work()) {
    return PhaseEnd::stopped;  // idle for too long
  }
  {
    const std::lock_guard lock(monitor_.mutex);
    if (generation_->locked_failure()) {
      return PhaseEnd::failed;
    }
    if (stopping_) {
      return PhaseEnd::stopped;
    }
  }
  begin_waiting();
  end_answered();
  end_expired();
  return PhaseEnd::done;
}

bool ExecutionEnvironment::wait_for_work() {
  std::unique_lock lock(monitor_.mutex);
  const auto now = Clock::now();
  std::optional<Clock::time_point> until;
  const auto earlier = [&](Clock::time_point time) {
    until = until ? std::min(*until, time) : time;
  };
  for (const Flight& flight : flights_) {
    earlier(flight.deadline);
  }
  for (const Waiting& waiting : queue_) {
    earlier(waiting.until);
  }
  const bool idle = flights_.empty() && queue_.empty();
  if (idle && world_.options.idle_shutdown) {
    earlier(now + *world_.options.idle_shutdown);
  }
  const auto woken = [&] {
    return stopping_ || generation_->locked_failure() ||
           (!queue_.empty() && generation_->locked_idle_workers() > 0) ||
           std::any_of(flights_.begin(), flights_.end(), [&](const Flight& flight) {
             return !generation_->locked_running(flight.invocation->request().request_id);
           });
  };
  const std::size_t before = queue_.size();
  const auto changed = [&] { return woken() || queue_.size() != before; };
  if (!until) {
    monitor_.changed.wait(lock, changed);
    return true;
  }
  if (monitor_.changed.wait_until(lock, *until, changed) || !idle) {
    return true;
  }
  accepting_ = false;
  return false;
}

void ExecutionEnvironment::begin_waiting() {
  while (true) {
    Waiting next;
    {
      const std::lock_guard lock(monitor_.mutex);
      const bool worker = generation_->locked_idle_workers() > 0;
      if (queue_.empty() || (!worker && queue_.front().until > Clock::now())) {
        return;
      }
      next = std::move(queue_.front());
      queue_.pop_front();
    }
    begin(next.invocation);
  }
}

void ExecutionEnvironment::begin(const std::shared_ptr<Invocation>& invocation) {
  const std::string& id = invocation->request().request_id;
  Flight flight{invocation, Clock::now(), Clock::now() + world_.options.timeout, {}};
  const auto deadline_ms = std::chrono::duration_cast<std::chrono::milliseconds>(
      (std::chrono::system_clock::now() + world_.options.timeout).time_since_epoch());
  flight.log = platform_log_.start(id);
  generation_->record("invokeStart", {{"requestId", id}, {"deadlineMs", deadline_ms.count()}});
  const auto offered = generation_->offer_to_worker({invocation, deadline_ms.count()});
  if (offered == ManagedInvocations::Offer::taken) {
    flights_.push_back(std::move(flight));
    return;
  }
  const bool duplicate = offered == ManagedInvocations::Offer::duplicate;
  const GenerationFailure failure{duplicate ? "Client.DuplicatedInvokeId" : "Runtime.Unavailable",
                                  duplicate ? "invoke ID already exists" : "no idle runtimes",
                                  {}};
  end_flight(flight, "error", failure);
}

void ExecutionEnvironment::end_answered() {
  for (std::size_t i = 0; i < flights_.size();) {
    bool running = false;
    {
      const std::lock_guard lock(monitor_.mutex);
      running = generation_->locked_running(flights_[i].invocation->request().request_id);
    }
    if (running) {
      ++i;
      continue;
    }
    const Flight ended = std::move(flights_[i]);
    flights_.erase(flights_.begin() + static_cast<std::ptrdiff_t>(i));
    end_flight(ended, "success", {});
  }
}

void ExecutionEnvironment::end_expired() {
  const auto now = Clock::now();
  std::vector<Flight> all = std::exchange(flights_, {});
  for (Flight& flight : all) {
    if (flight.deadline > now) {
      flights_.push_back(std::move(flight));
      continue;
    }
    generation_->expire(flight.invocation->request().request_id);
    end_flight(flight, "timeout", failure_of(PhaseEnd::expired));
  }
}

void ExecutionEnvironment::end_all(PhaseEnd end) {
  if (end == PhaseEnd::failed) {
    wait_for_last_words();
    end_answered();
  }
  std::deque<Waiting> waiting;
  {
    const std::lock_guard lock(monitor_.mutex);
    accepting_ = false;
    waiting.swap(queue_);
  }
  const GenerationFailure failure = failure_of(end);
  const char* const status = end == PhaseEnd::expired ? "timeout" : "error";
  for (const Flight& flight : std::exchange(flights_, {})) {
    generation_->expire(flight.invocation->request().request_id);
    end_flight(flight, status, failure);
  }
  for (const Waiting& one : waiting) {
    end_flight({one.invocation, Clock::now(), Clock::now(), {}}, status, failure);
  }
}

void ExecutionEnvironment::end_flight(const Flight& flight,
                                      const std::string& status,
                                      const GenerationFailure& failure) {
  const std::string& id = flight.invocation->request().request_id;
  const Milliseconds duration = Clock::now() - flight.began;
  {
    // Who reads of its end finds its place free.
    const std::lock_guard lock(monitor_.mutex);
    --occupied_;
  }
  generation_->record("invokeEnd",
                      {{"requestId", id},
                       {"status", status},
                       {"errorType", failure.type},
                       {"answered", flight.invocation->answered()},
                       {"durationMs", duration.count()}});
  if (!failure.type.empty()) {
    flight.invocation->fail({failure.type,
                             failure.body.empty()
                                 ? platform_error_body(failure.type, id, failure.message)
                                 : failure.body});
  }
  const bool plain = status == "success";
  const ExecutionReport report{.request_id = id,
                               .duration = duration,
                               .memory_size_mb = world_.options.memory_mb,
                               .memory_used_mb = memory_used_mb(),
                               .init_duration = std::exchange(init_duration_, std::nullopt),
                               .status = plain ? std::string() : status,
                               .error_type = status == "error" ? failure.type : std::string(),
                               .produced_bytes = flight.invocation->produced_bytes()};
  std::string log = flight.log;
  log += platform_log_.runtime_done(report);
  log += platform_log_.report(report);
  flight.invocation->finish(std::move(log));
}

}  // namespace postlude::emulator
