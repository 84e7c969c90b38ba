#pragma once

#include "extension/attempt_input.h"
#include "extension/handler_event.h"
#include "extension/http_call.h"
#include "extension/schedule_steps.h"
#include "extension/task_services.h"
#include "extension/template_sources.h"

#include <string>
#include <variant>

namespace postlude::extension {

/// How an attempt ended, or what is left to do of it on the loop's thread: start a command whose
/// templates are resolved, or give an event to the runtime.
using JobEnd = std::variant<AttemptResult, CommandAction, HandlerEvent>;

/// The part of an attempt that may block: templates, with what they refer to, and calls. On a
/// worker; ends soon after `call` is stopped, and not long after `input.until`. Files are made in
/// `folder`. Throws nothing: one attempt that runs out of memory does not end the process.
[[nodiscard]] JobEnd run_job(const AttemptInput& input,
                             const std::string& folder,
                             TaskServices& services,
                             HttpCall& call);

/// Hands the task to its dead letter; the same holds.
[[nodiscard]] AttemptResult run_spill(const AttemptInput& input,
                                      const SpillTask& step,
                                      TaskServices& services,
                                      HttpCall& call);

/// Gets what a call of AWS at `url` will need: credentials and an open connection, which waits for
/// it. On a worker; ends when that was used or closed, and at `deadline`. Throws nothing.
void prepare_call(TaskServices& services, const Url& url, EpochTime deadline, HttpCall& call);

/// What `input` offers to templates; views it.
[[nodiscard]] TemplateSources template_sources(const AttemptInput& input,
                                               const TaskServices& services);

}  // namespace postlude::extension
