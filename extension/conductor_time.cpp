// What the conductor does because time passes.
#include "extension/conductor.h"

namespace postlude::extension {

void Conductor::thawed() {
  if (session_) {
    session_->attempts.rest();
    apply(session_->schedule.thawed(now()));
  }
}

void Conductor::set_timer() {
  if (timer_) {
    loop_.cancel(*timer_);
    timer_.reset();
  }
  if (const auto due = session_->schedule.next_due()) {
    timer_ = loop_.at(*due, [this] {
      timer_.reset();
      apply(session_->schedule.time_passed(now()));
    });
  }
  foresee_spills();
}

std::vector<SpillForecast::Candidate> Conductor::spill_candidates() const {
  std::vector<SpillForecast::Candidate> candidates;
  for (const auto& spill : session_->schedule.spill_candidates()) {
    candidates.push_back({session_->records.at(spill.number).task.dead_letter.value(),
                          spill.begins - spill.margin,
                          spill.ends});
  }
  return candidates;
}

void Conductor::foresee_spills() {
  if (forecast_timer_) {
    loop_.cancel(*forecast_timer_);
    forecast_timer_.reset();
  }
  if (const auto next = forecast_.next(spill_candidates())) {
    forecast_timer_ = loop_.at(*next, [this] {
      forecast_timer_.reset();
      for (const auto& [target, expected] : forecast_.due(spill_candidates(), now())) {
        session_->attempts.expect_spills(target, expected);
      }
      foresee_spills();
    });
  }
}

}  // namespace postlude::extension
