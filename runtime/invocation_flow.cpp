#include "runtime/invocation_flow.h"

#include "common/base64.h"
#include "common/json_text.h"
#include "runtime/runtime_messages.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <utility>

namespace postlude::runtime {
InvocationFlow::InvocationFlow(
    EventLoop& loop, TaskJournal& journal, ExtensionLink& link, Log log, ReceiptWriter receipts)
    : loop_(loop),
      journal_(journal),
      link_(link),
      log_(log),
      receipts_(std::move(receipts)),
      hold_(now()),
      inspections_(link),
      last_sequence_(journal.numbers_from()) {}

InvocationFlow::~InvocationFlow() {
  for (const auto& timer : {release_timer_, over_timer_}) {
    if (timer) {
      loop_.cancel(*timer);
    }
  }
  for (const auto& open : open_) {
    for (const auto& timer : {open->timeout, open->deadline}) {
      if (timer) {
        loop_.cancel(*timer);
      }
    }
  }
}

RelayTraffic InvocationFlow::traffic() {
  RelayTraffic traffic;
  add_handlers_to(traffic);
  traffic.poll_asked = [this](ExchangeKind kind) { poll_asked(kind); };
  traffic.may_poll = [this] { return may_poll(); };
  traffic.poll_went_up = [this] { poll_went_up(); };
  traffic.event_head = [this](const HttpHead& head) { return event_head(head); };
  traffic.event_bytes = [this](std::uint64_t sequence, std::string_view bytes) {
    if (Open* open = find(sequence); open != nullptr && open->bodies) {
      open->bodies->event.append(bytes);
    }
  };
  traffic.answer_head = [this](const Exchange& exchange, const HttpHead& head) {
    return answer_head(exchange, head);
  };
  traffic.answer_bytes = [this](std::uint64_t sequence, std::string_view bytes) {
    if (Open* open = find(sequence); open != nullptr && open->bodies) {
      open->bodies->answer.append(bytes);
    }
  };
  traffic.answer_trailers = [this](std::uint64_t sequence, std::string_view lines) {
    if (Open* open = find(sequence)) {
      answer_trailers(*open, lines);
    }
  };
  traffic.answer_sent = [this](std::uint64_t sequence) {
    if (Open* open = find(sequence)) {
      open->invocation.answer_sent(now());
    }
  };
  traffic.answer_cut = [this](std::uint64_t sequence) { answer_cut(sequence); };
  traffic.answer_withdrawn = [this](std::uint64_t sequence) {
    if (Open* open = find(sequence)) {
      open->invocation.answer_withdrawn();
    }
    wake_waiters();
  };
  traffic.answer_acknowledged = [this](std::uint64_t sequence, int status) {
    if (Open* open = find(sequence)) {
      open->invocation.acknowledge(status, now());
      advance(*open);
    }
    wake_waiters();
  };
  traffic.defer = [this](std::string_view id, std::string_view body) {
    return defer_result(defer(id, body));
  };
  traffic.inspect = [this](std::string_view id, Inspections::Reply reply) {
    inspect(id, std::move(reply));
  };
  return traffic;
}

void InvocationFlow::answer_cut(std::uint64_t sequence) {
  if (Open* open = find(sequence)) {
    open->invocation.answer_cut(now());
    advance(*open);
  }
  wake_waiters();
}

void InvocationFlow::poll_went_up() {
  poll_is_up_ = !overlap_;
  hold_.poll_went_up();
}

void InvocationFlow::poll_asked(ExchangeKind kind) {
  if (kind != ExchangeKind::next) {
    return;
  }
  if (overlap_) {
    overlap_->poll_is_fresh = true;
    return;
  }
  poll_is_up_ = false;
  leave_attempt();
  // advance() may close and so remove entries.
  for (std::size_t i = open_.size(); i-- > 0;) {
    open_[i]->invocation.next_asked();
    advance(*open_[i]);
  }
}

bool InvocationFlow::may_poll() {
  if (overlap_) {
    return may_poll_overlapping();
  }
  // The platform refuses a poll that comes before the end of an answer.
  if (std::any_of(open_.begin(), open_.end(), [](const auto& open) {
        return open->invocation.answering_early();
      })) {
    waiters_ = true;
    return false;
  }
  auto until = handlers_until();
  if (!until) {
    until = hold_.held_until(now());
  }
  if (until) {
    release_poll_at(*until);
  } else {
    forget_release();
  }
  return !until;
}

void InvocationFlow::forget_release() {
  if (release_timer_) {
    loop_.cancel(*std::exchange(release_timer_, {}));
  }
}

void InvocationFlow::release_poll_at(EpochTime time) {
  forget_release();
  release_timer_ = loop_.at(time, [this] {
    release_timer_.reset();
    events_.resume_polls();
  });
}

void InvocationFlow::wake_waiters() {
  if (std::exchange(waiters_, false)) {
    loop_.after_round([this] { events_.resume_polls(); });
  }
}

std::uint64_t InvocationFlow::event_head(const HttpHead& head) {
  const std::string_view request_id = head.find("Lambda-Runtime-Aws-Request-Id").value_or("");
  if (request_id.empty()) {
    return 0;
  }
  poll_is_up_ = false;
  if (Open* open = find(request_id); open != nullptr && !open->invocation.outcome()) {
    // Polled again without an answer: the platform repeats the event (lambda-protocol.md 1.2).
    open->invocation.delivered_again();
    open->bodies = journal_.begin_capture(open->invocation.about().key.sequence);
    return open->invocation.about().key.sequence;
  }
  loop_.anchor();
  const std::uint64_t sequence = ++last_sequence_;
  auto open = std::make_unique<Open>(
      Open{.invocation = Invocation(describe_event(head, {std::string(request_id), sequence}))});
  open->bodies = journal_.begin_capture(sequence);
  if (open->bodies && journal_.waits_for_timeouts()) {
    open->timeout = loop_.at(journal_.timeout_due(open->invocation),
                             [this, sequence] { timeout_comes_near(sequence); });
  }
  open_.push_back(std::move(open));
  if (overlap_) {
    watch_deadline(sequence, open_.back()->invocation.about().deadline);
  }
  events_.began(sequence);
  return sequence;
}

InvocationFlow::Open* InvocationFlow::find(std::uint64_t sequence) {
  const auto found = std::find_if(open_.begin(), open_.end(), [sequence](const auto& open) {
    return open->invocation.about().key.sequence == sequence;
  });
  return found == open_.end() ? nullptr : found->get();
}

InvocationFlow::Open* InvocationFlow::find(std::string_view request_id) {
  // The newest: retries of the platform repeat the id.
  const auto found = std::find_if(open_.rbegin(), open_.rend(), [request_id](const auto& open) {
    return open->invocation.about().key.request_id == request_id;
  });
  if (found != open_.rend()) {
    return found->get();
  }
  return overlap_ ? find_lingering(request_id) : nullptr;
}

void InvocationFlow::advance(Open& open, HandOver hand_over) {
  if (overlap_ && lingers(open)) {
    return;
  }
  if (open.invocation.outcome() && !open.work_deadline) {
    act_on_outcome(open, hand_over);
  }
  if (overlap_ && open.invocation.outcome()) {
    open.invocation.next_asked();
  }
  if (open.invocation.over() && !waits_for_handlers(open)) {
    close(open, hand_over);
  }
}

void InvocationFlow::act_on_outcome(Open& open, HandOver hand_over) {
  open.work_deadline = journal_.work_deadline(open.invocation);
  if (hold_.extension() == ExtensionState::unavailable) {
    return;
  }
  const bool has_work = journal_.matches(open.invocation) || open.accepted > 0 || carried_ > 0;
  if (has_work && hand_over == HandOver::at_once) {
    tell_answered(open);
  }
  TaskJournal::Taken taken = journal_.accept(open.invocation, open.bodies, hand_over);
  open.accepted += taken.tasks;
  open.handlers += taken.handlers;
  open.dropped = std::move(taken.dropped);
  open.took_configured = true;
}

void InvocationFlow::timeout_comes_near(std::uint64_t sequence) {
  Open* open = find(sequence);
  if (open == nullptr) {
    return;
  }
  open->timeout.reset();
  if (!open->invocation.outcome() && hold_.extension() != ExtensionState::unavailable) {
    const TaskJournal::Taken taken = journal_.accept_unanswered(open->invocation, open->bodies);
    open->accepted += taken.tasks;
    open->handlers += taken.handlers;
  }
}

void InvocationFlow::tell_answered(Open& open) {
  if (!std::exchange(open.told_answered, true)) {
    link_.send(Answered{open.invocation.about().key, *open.work_deadline});
  }
}

bool InvocationFlow::answering() const {
  return std::any_of(
      open_.begin(), open_.end(), [](const auto& open) { return open->invocation.answering(); });
}

void InvocationFlow::runtime_died(ExitStatus status) {
  while (!open_.empty()) {
    Open& open = *open_.back();
    const bool answered = open.invocation.outcome().has_value();
    if (open.bodies && !answered) {
      open.bodies->error = exit_error(open.invocation.about().key, status);
    }
    open.invocation.runtime_died(now());
    // Before the answer, the platform must learn of the death at once: nothing starts any more.
    advance(open, answered ? HandOver::at_once : HandOver::later);
  }
}

}  // namespace postlude::runtime
