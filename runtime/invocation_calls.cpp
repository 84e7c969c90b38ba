// What the function asks of us about an invocation, or a handler attempt in its time.
#include "common/receipt.h"
#include "runtime/defer_request.h"
#include "runtime/invocation_flow.h"

#include <fmt/format.h>

#include <utility>

namespace postlude::runtime {
namespace {

/// Contract.md 5: of one invocation.
constexpr std::size_t kMaxTasksInvocation = 1000;
/// Contract.md: handler tasks that defer handler tasks would otherwise never end.
constexpr int kMaxDepth = 8;

ApiError several_invocations() {
  return {
      409, "SeveralInvocations", "several invocations are in flight; name one by its request id"};
}

ApiError unknown_invocation(std::string_view id) {
  return {404,
          "UnknownInvocation",
          fmt::format("invocation {} is not in flight; an invocation is until the runtime asks for "
                      "its next event",
                      id)};
}

}  // namespace

tl::expected<InvocationFlow::Subject, ApiError> InvocationFlow::resolve(std::string_view id) {
  if (lane_.is(id) || (lane_.busy() && id == "current")) {
    const Reenter& attempt = lane_.attempt();
    if (Open* open = find(attempt.key.sequence)) {
      return Subject{open, attempt.request_id, attempt.deadline, lane_.has_answer(), attempt.depth};
    }
    return tl::unexpected(unknown_invocation(id));
  }
  const auto open = resolve_invocation(id);
  if (!open) {
    return tl::unexpected(open.error());
  }
  const auto& about = (*open)->invocation.about();
  const bool responded = (*open)->invocation.outcome().has_value();
  return Subject{*open, about.key.request_id, about.deadline, responded, 0};
}

tl::expected<InvocationFlow::Open*, ApiError> InvocationFlow::resolve_invocation(
    std::string_view id) {
  if (id != "current") {
    Open* open = find(id);
    if (open == nullptr || (open->invocation.over() && !overlap_)) {
      return tl::unexpected(unknown_invocation(id));
    }
    return open;
  }
  // Who has its answer may be at work yet, until its deadline.
  if (overlap_) {
    forget_expired();
  }
  if (overlap_ && open_.size() + overlap_->lingering.size() > 1) {
    return tl::unexpected(several_invocations());
  }
  if (overlap_ && !overlap_->lingering.empty()) {
    return overlap_->lingering.front().get();
  }
  Open* current = nullptr;
  for (const auto& open : open_) {
    if (open->invocation.over()) {
      continue;
    }
    if (current != nullptr) {
      return tl::unexpected(several_invocations());
    }
    current = open.get();
  }
  if (current == nullptr) {
    return tl::unexpected(ApiError{404, "UnknownInvocation", "no invocation is in flight"});
  }
  return current;
}

void InvocationFlow::inspect(std::string_view id, Inspections::Reply reply) {
  const auto subject = resolve(id);
  if (subject && hold_.extension() != ExtensionState::unavailable) {
    const std::uint64_t sequence = subject->open->invocation.about().key.sequence;
    inspections_.ask({{subject->request_id, sequence}, subject->deadline, subject->responded},
                     std::move(reply));
    return;
  }
  std::string message;
  if (subject) {
    std::vector<TaskStatus> tasks;
    for (const ReceiptTask& task : subject->open->dropped) {
      tasks.push_back({task.id, task.name, std::string(state_name(task.state)), task.attempts});
    }
    message =
        inspection_result({subject->request_id, subject->deadline, subject->responded, tasks});
  } else {
    message = refusal_message(subject.error());
  }
  loop_.after_round([reply = std::move(reply), message = std::move(message)] { reply(message); });
}

tl::expected<std::string, ApiError> InvocationFlow::defer(std::string_view id,
                                                          std::string_view body) {
  auto subject = resolve(id);
  if (!subject) {
    return tl::unexpected(std::move(subject.error()));
  }
  Open& open = *subject->open;
  if (body.size() > kMaxDeferBytes) {
    return tl::unexpected(
        ApiError{413,
                 "PayloadTooLarge",
                 fmt::format("the request takes more than {} bytes; its payload may take {}",
                             kMaxDeferBytes,
                             kMaxPayloadBytes)});
  }
  if (open.accepted >= kMaxTasksInvocation) {
    return tl::unexpected(ApiError{
        413,
        "TooManyTasks",
        fmt::format("the invocation has {} tasks, more are not possible", kMaxTasksInvocation)});
  }
  if (subject->depth >= kMaxDepth) {
    return tl::unexpected(
        ApiError{413,
                 "TooDeep",
                 fmt::format("handler tasks deferred one another {} times, more are not possible",
                             kMaxDepth)});
  }
  if (hold_.extension() == ExtensionState::unavailable) {
    return tl::unexpected(ApiError{
        503, "ExtensionUnavailable", "there is no extension to run tasks; nothing was kept"});
  }
  auto request = parse_defer_request(body, journal_.configured());
  if (!request) {
    return tl::unexpected(std::move(request.error()));
  }
  const bool late = overlap_ && lingers(open);
  if (late) {
    link_.send(Answered{open.invocation.about().key, *open.work_deadline});
  } else if (open.work_deadline) {
    tell_answered(open);
  }
  auto accepted =
      journal_.defer(open.invocation, open.bodies, *request, {subject->request_id, subject->depth});
  if (!accepted) {
    const bool full = accepted.error().code == ErrorCode::no_space;
    return tl::unexpected(ApiError{503,
                                   full ? "SpoolFull" : "SpoolUnavailable",
                                   "the task cannot be kept: " + accepted.error().message});
  }
  ++open.accepted;
  if (late) {
    add_late(open);
  }
  open.handlers += std::holds_alternative<HandlerAction>(request->task.action) ? 1U : 0U;
  return std::move(*accepted);
}

}  // namespace postlude::runtime
