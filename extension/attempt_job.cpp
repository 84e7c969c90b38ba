#include "extension/attempt_job.h"

#include "common/arn.h"
#include "common/spool.h"
#include "extension/match.h"
#include "extension/resolve_templates.h"
#include "extension/run_aws.h"
#include "extension/run_http.h"
#include "extension/tls_trust.h"

#include <fmt/format.h>

#include <unistd.h>

#include <cerrno>
#include <exception>
#include <new>
#include <optional>
#include <utility>

namespace postlude::extension {
namespace {

/// The schedule ends an attempt in time, and knows why; a call that ends itself a little later is
/// only in case nobody else does.
constexpr Millis kLateness{250};

AttemptResult refused(std::string why) {
  return {AttemptResult::Kind::refused, std::move(why)};
}

AwsClient client_for(TaskServices& services, HttpCall& call) {
  return AwsClient({.credentials = services.credentials,
                    .endpoints = services.endpoints,
                    .http = [&services, &call](const HttpRequest& request, EpochTime deadline) {
                      return services.connections.perform(request, deadline, call);
                    }});
}

AttemptResult call_http(const HttpAction& action,
                        const AttemptInput& input,
                        TaskServices& services,
                        HttpCall& call) {
  std::optional<AllowedHosts> allowed;
  if (!action.allow_hosts.empty()) {
    auto parsed = AllowedHosts::parse(action.allow_hosts);
    if (!parsed) {
      return refused("allowHosts: " + parsed.error().message);
    }
    allowed = std::move(*parsed);
  }
  const auto request = make_http_request(action, input.record.id, allowed ? &*allowed : nullptr);
  if (!request) {
    return refused(request.error().message);
  }
  const auto end = services.connections.perform(*request, input.until + kLateness, call);
  return judge_http(end, request->url, now());
}

/// The whole event in memory, where it may fit at all.
Result<std::string> whole_event(const AttemptInput& input, std::size_t limit) {
  if (!input.event_file) {
    return std::string("null");
  }
  if (input.event_bytes > limit) {
    return fail("too large");
  }
  std::string event(static_cast<std::size_t>(input.event_bytes), '\0');
  std::size_t read = 0;
  while (read < event.size()) {
    const ssize_t size = ::pread(
        input.event_file.get(), event.data() + read, event.size() - read, static_cast<off_t>(read));
    if (size < 0 && errno == EINTR) {
      continue;
    }
    if (size <= 0) {
      return fail("the captured event cannot be read any more");
    }
    read += static_cast<std::size_t>(size);
  }
  return event;
}

/// The task document as one text, for a target that takes at most `limit` bytes.
tl::expected<std::string, AttemptResult> document_text(const AttemptInput& input,
                                                       std::size_t limit) {
  TaskDocument document = input.document();
  const std::uint64_t size =
      document.before_event.size() + document.after_event.size() + input.event_bytes;
  if (size > limit) {
    return tl::unexpected(refused(
        fmt::format("the task document takes {} bytes, the target takes {} at most: give \"body\"",
                    size,
                    limit)));
  }
  auto event = whole_event(input, limit);
  if (!event) {
    return tl::unexpected(refused(event.error().message));
  }
  return std::move(document.before_event) + *event + document.after_event;
}

AttemptResult send(const SendAction& action,
                   const AttemptInput& input,
                   TaskServices& services,
                   HttpCall& call) {
  const auto target = parse_target_arn(action.to);
  if (!target) {
    return refused("send.to: " + target.error().message);
  }
  const auto body = action.body ? tl::expected<std::string, AttemptResult>(*action.body)
                                : document_text(input, most_message_bytes(target->kind));
  if (!body) {
    return body.error();
  }
  return run_send(action.to,
                  {.task_id = input.record.id,
                   .task_name = input.record.task.name,
                   .trace_id = input.record.trace_id,
                   .body = *body,
                   .at = now()},
                  client_for(services, call),
                  input.until + kLateness);
}

struct Runner {
  const AttemptInput& input;
  const std::string& folder;
  TaskServices& services;
  HttpCall& call;

  JobEnd operator()(CommandAction& action) const { return std::move(action); }
  JobEnd operator()(const HttpAction& action) const {
    return call_http(action, input, services, call);
  }
  JobEnd operator()(const SendAction& action) const { return send(action, input, services, call); }
  JobEnd operator()(const AwsAction& action) const {
    return run_aws(
        action, input.record.trace_id, client_for(services, call), input.until + kLateness);
  }
  JobEnd operator()(const HandlerAction& action) const {
    auto event = write_handler_event(action.event, input, folder);
    if (!event) {
      return AttemptResult{AttemptResult::Kind::failed, event.error().message};
    }
    return std::move(*event);
  }
};

}  // namespace

TemplateSources template_sources(const AttemptInput& input, const TaskServices& services) {
  return {.record = input.record,
          .attempt = input.attempt,
          .work_deadline = input.work_deadline,
          .event = input.event(),
          .response = input.response,
          .error = input.error,
          .environment = services.environment,
          .function_name = services.function_name,
          .secret = {}};
}

namespace {

JobEnd resolve_and_run(const AttemptInput& input,
                       const std::string& folder,
                       TaskServices& services,
                       HttpCall& call) {
  initialise_tls();
  TemplateSources sources = template_sources(input, services);
  sources.secret = [&](SecretKind kind, const std::string& name) {
    const AwsClient client = client_for(services, call);
    const EpochTime deadline = input.until + kLateness;
    return kind == SecretKind::secret ? services.secrets.secret(name, client, deadline)
                                      : services.secrets.parameter(name, client, deadline);
  };
  auto action = resolve_templates(input.record.task.action, sources);
  if (!action) {
    const bool passing = action.error().next == TemplateFailure::Next::retry;
    return AttemptResult{passing ? AttemptResult::Kind::failed : AttemptResult::Kind::refused,
                         std::move(action.error().why)};
  }
  return std::visit(Runner{input, folder, services, call}, *action);
}

AttemptResult send_letter(const AttemptInput& input,
                          const SpillTask& step,
                          TaskServices& services,
                          HttpCall& call) {
  initialise_tls();
  const std::string& to = input.record.task.dead_letter.value();
  const auto target = parse_target_arn(to);
  if (!target) {
    return refused(target.error().message);
  }
  const TaskDocument document = input.document();
  // One that is too large in any case is left out unread.
  const auto event = whole_event(input, most_message_bytes(target->kind));
  return send_dead_letter(
      to,
      {.id = input.record.id,
       .state = state_name(step.state),
       .attempts = step.name.attempts,
       .last_error = step.why.empty() ? std::nullopt : std::optional<std::string_view>(step.why),
       .definition = input.record.definition,
       .before_event = document.before_event,
       .event = event ? std::optional<std::string_view>(*event) : std::nullopt,
       .after_event = document.after_event},
      {.task_id = input.record.id,
       .task_name = input.record.task.name,
       .trace_id = input.record.trace_id,
       .body = {},
       .at = now()},
      client_for(services, call),
      step.until + kLateness);
}

/// Of what is thrown, which may repeat a value, nothing is told. Small functions run out of memory.
std::string_view describe(const std::exception& error) {
  return dynamic_cast<const std::bad_alloc*>(&error) == nullptr ? "an error of Postlude's own"
                                                                : "not enough memory";
}

}  // namespace

JobEnd run_job(const AttemptInput& input,
               const std::string& folder,
               TaskServices& services,
               HttpCall& call) {
  try {
    return resolve_and_run(input, folder, services, call);
  } catch (const std::exception& error) {
    return refused(std::string(describe(error)));
  }
}

AttemptResult run_spill(const AttemptInput& input,
                        const SpillTask& step,
                        TaskServices& services,
                        HttpCall& call) {
  try {
    return send_letter(input, step, services, call);
  } catch (const std::exception& error) {
    return refused(std::string(describe(error)));
  }
}

void prepare_call(TaskServices& services, const Url& url, EpochTime deadline, HttpCall& call) {
  try {
    initialise_tls();
    const auto http = [&](const HttpRequest& request, EpochTime until) {
      return services.connections.perform(request, until, call);
    };
    if (services.credentials.current(now(), deadline, http)) {
      services.connections.open_ahead(url, deadline, call);
    }
  } catch (const std::exception& /*error*/) {
    // The call itself will meet the same, and say so.
  }
}

}  // namespace postlude::extension
