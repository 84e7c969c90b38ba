#include "runtime/invocation_flow.h"

#include "common/base64.h"
#include "common/json_text.h"
#include "common/receipt.h"
#include "runtime/runtime_messages.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <utility>

namespace postlude::runtime {
InvocationFlow::InvocationFlow(EventLoop& loop, TaskJournal& journal, ExtensionLink& link, Log log)
    : loop_(loop),
      journal_(journal),
      link_(link),
      log_(log),
      hold_(now()),
      inspections_(link),
      last_sequence_(journal.numbers_from()) {}

InvocationFlow::~InvocationFlow() {
  if (release_timer_) {
    loop_.cancel(*release_timer_);
  }
  for (const auto& open : open_) {
    if (open->timeout) {
      loop_.cancel(*open->timeout);
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
  traffic.extension_state = [this] { return hold_.extension(); };
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
  poll_is_up_ = true;
  hold_.poll_went_up();
}

void InvocationFlow::poll_asked(ExchangeKind kind) {
  if (kind != ExchangeKind::next) {
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
  }
  return !until;
}

void InvocationFlow::release_poll_at(EpochTime time) {
  if (release_timer_) {
    loop_.cancel(*release_timer_);
  }
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
  return found == open_.rend() ? nullptr : found->get();
}

void InvocationFlow::advance(Open& open, HandOver hand_over) {
  if (open.invocation.outcome() && !open.work_deadline) {
    act_on_outcome(open, hand_over);
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
  const TaskJournal::Taken taken = journal_.accept(open.invocation, open.bodies, hand_over);
  open.accepted += taken.tasks;
  open.handlers += taken.handlers;
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

void InvocationFlow::close(Open& open, HandOver hand_over) {
  const auto& about = open.invocation.about();
  const AnswerSummary answer{
      about.event_time, open.invocation.response_end(), open.invocation.late_error_type()};
  if (hold_.extension() == ExtensionState::unavailable) {
    std::vector<ReceiptTask> dropped = std::move(open.dropped);
    if (!open.took_configured) {
      auto configured = journal_.drop(open.invocation);
      std::move(configured.begin(), configured.end(), std::back_inserter(dropped));
    }
    write_receipt(about.key, answer, std::move(dropped));
  } else if (hand_over == HandOver::at_once) {
    link_.send(Closed{about.key, *open.work_deadline, answer});
    if (open.accepted > 0 || carried_ > 0) {
      unsettled_.push_back({about.key, answer});
      hold_.work_pending(*open.work_deadline);
    }
  }
  journal_.forget_numbers(about.key.sequence);
  if (open.timeout) {
    loop_.cancel(*open.timeout);
  }
  std::erase_if(open_, [&open](const auto& entry) { return entry.get() == &open; });
  if (open_.empty() && hold_.extension() == ExtensionState::unavailable) {
    events_.over();
  }
}

void InvocationFlow::drop_handed_over() {
  auto lost = journal_.drop_handed_over();
  std::vector<std::string> task_ids;
  std::vector<std::pair<InvocationKey, std::vector<ReceiptTask>>> receipts;
  for (auto& [key, task] : lost) {
    task_ids.push_back(task.id);
    if (Open* open = find(key.sequence)) {
      open->dropped.push_back(std::move(task));
      continue;
    }
    if (receipts.empty() || receipts.back().first != key) {
      receipts.push_back({key, {}});
    }
    receipts.back().second.push_back(std::move(task));
  }
  events_.lost(task_ids);
  for (auto& [key, tasks] : receipts) {
    const auto closed = std::find_if(unsettled_.begin(),
                                     unsettled_.end(),
                                     [&key = key](const auto& entry) { return entry.key == key; });
    write_receipt(
        key,
        closed == unsettled_.end() ? std::nullopt : std::optional<AnswerSummary>(closed->answer),
        std::move(tasks));
  }
}

void InvocationFlow::write_receipt(const InvocationKey& key,
                                   const std::optional<AnswerSummary>& answer,
                                   std::vector<ReceiptTask> tasks) {
  Receipt receipt;
  receipt.request_id = key.request_id;
  receipt.tasks = std::move(tasks);
  if (answer) {
    receipt.response_time = answer->response_end - answer->event_time;
    receipt.held_time = remaining(now(), answer->response_end);
    receipt.late_error_type = answer->late_error_type;
  }
  if (receipt.tasks.empty() && !receipt.late_error_type) {
    return;
  }
  for (const std::string& line : receipt_lines(receipt, now())) {
    log_.raw(line);
  }
}

void InvocationFlow::extension_is(ExtensionState state) {
  hold_.extension_is(state);
  if (state == ExtensionState::unavailable) {
    drop_handed_over();
    inspections_.give_up();
    unsettled_.clear();
    carried_ = 0;
    carried_handlers_ = 0;
    forget_handlers();
    events_.settled();
  }
  if (state != ExtensionState::starting) {
    events_.resume_polls();
  }
}

void InvocationFlow::settled(const Settled& settled) {
  carried_ = settled.carried;
  carried_handlers_ = settled.carried_handlers;
  std::erase_if(unsettled_, [&](const auto& entry) { return entry.key == settled.key; });
  if (unsettled_.empty() && open_.empty() && carried_ == 0) {
    journal_.all_ended();
  }
  if (unsettled_.empty()) {
    hold_.work_settled();
    events_.resume_polls();
    events_.settled();
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
