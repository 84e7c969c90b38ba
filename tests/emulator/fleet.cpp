#include "tests/emulator/fleet.h"

#include <poll.h>

#include <algorithm>
#include <chrono>

namespace postlude::emulator {
namespace {

/// Between two looks at busy environments, while a caller waits to be admitted.
constexpr int kAdmissionStepMs = 1;

}  // namespace

Fleet::~Fleet() {
  stop();
}

void Fleet::stop() {
  std::list<std::shared_ptr<ExecutionEnvironment>> all;
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    all.swap(environments_);
  }
  for (const auto& environment : all) {
    environment->stop();
  }
}

Result<void> Fleet::add_environment() {
  auto environment = ExecutionEnvironment::start(world_, ++last_number_);
  if (!environment) {
    return tl::unexpected(environment.error());
  }
  environments_.push_back(std::move(*environment));
  return {};
}

Result<void> Fleet::start_first() {
  const std::lock_guard lock(mutex_);
  return add_environment();
}

Fleet::Admission Fleet::try_admit(const std::shared_ptr<Invocation>& invocation) {
  std::list<std::shared_ptr<ExecutionEnvironment>> ended;  // destroyed after the lock
  const std::lock_guard lock(mutex_);
  for (auto it = environments_.begin(); it != environments_.end();) {
    const auto next = std::next(it);
    if ((*it)->ended()) {
      ended.splice(ended.end(), environments_, it);
    }
    it = next;
  }
  using Fit = ExecutionEnvironment::Fit;
  for (const Fit fit : {Fit::at_once, Fit::may_wait}) {
    const auto assigned = [&](const auto& one) { return one->try_assign(invocation, fit); };
    if (std::any_of(environments_.begin(), environments_.end(), assigned)) {
      return Admission::admitted;
    }
  }
  if (stopped_ || environments_.size() >= world_.options.max_environments) {
    return Admission::throttled;
  }
  if (auto added = add_environment(); !added) {
    why_ = added.error().message;
    return Admission::failed;
  }
  return environments_.back()->try_assign(invocation, Fit::may_wait) ? Admission::admitted
                                                                     : Admission::throttled;
}

Fleet::Admission Fleet::admit(const std::shared_ptr<Invocation>& invocation) {
  const auto end = std::chrono::steady_clock::now() + world_.options.admission_wait;
  while (true) {
    const Admission admission = try_admit(invocation);
    if (admission != Admission::throttled || std::chrono::steady_clock::now() >= end) {
      return admission;
    }
    ::poll(nullptr, 0, kAdmissionStepMs);
  }
}

std::shared_ptr<ExecutionEnvironment> Fleet::find(int number) const {
  const std::lock_guard lock(mutex_);
  const auto found = std::find_if(environments_.begin(), environments_.end(), [&](const auto& one) {
    return one->number() == number;
  });
  return found == environments_.end() || (*found)->ended() ? nullptr : *found;
}

std::string Fleet::why() const {
  const std::lock_guard lock(mutex_);
  return why_;
}

}  // namespace postlude::emulator
