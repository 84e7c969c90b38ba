#include "runtime/shim.h"

#include "common/own_program.h"
#include "runtime/task_processes.h"

#include <fmt/format.h>

#include <dirent.h>

#include <csignal>
#include <utility>

namespace postlude::runtime {
namespace {

/// Contract 4.2: a runtime that dies before its answer is reported within 20 ms.
constexpr Millis kDrainTime{15};
/// What was sent whole is worth waiting for: the acknowledgement of an answer decides its outcome,
/// and an end of ours could overtake an init error.
constexpr Millis kAnswerDrainTime = std::chrono::seconds(5);
/// Of the 500 ms (300 ms beside external extensions) between SIGTERM and SIGKILL
/// (lambda-protocol.md 4.6): we are gone by then.
constexpr Millis kShutdownTime{450};
constexpr Millis kShutdownTimeBesideExternal{250};
/// The runtime is killed, and we end: 2 ms, 10 ms where others want the processor as well.
constexpr Millis kEndReserve{20};
/// An extension that is not gone by then hangs: it and what its tasks started are killed, and what
/// it held is told of.
constexpr Millis kKillReserve = kEndReserve + Millis{20};
/// What it has to do until its end when its work must be over: receipts, and the deaths of
/// commands.
constexpr Millis kExtensionReserve = kKillReserve + Millis{20};

bool has_entries(const std::string& folder) {
  DIR* listing = ::opendir(folder.c_str());
  if (listing == nullptr) {
    return false;
  }
  bool found = false;
  // readdir is safe here: one thread, and a stream nobody else has.
  while (const dirent* entry = ::readdir(listing)) {  // NOLINT(concurrency-mt-unsafe)
    found = found || entry->d_name[0] != '.';
  }
  ::closedir(listing);
  return found;
}

Millis shutdown_time() {
  const bool external =
      has_entries("/opt/extensions") || has_entries(own_program().folder() + "/extensions");
  return external ? kShutdownTimeBesideExternal : kShutdownTime;
}

}  // namespace

Result<std::unique_ptr<Shim>> Shim::create(Config config, Signals& signals) {
  const auto platform = resolve_tcp(config.runtime_api);
  if (!platform) {
    return fail("AWS_LAMBDA_RUNTIME_API: " + platform.error().message);
  }
  std::unique_ptr<Shim> shim(new Shim(std::move(config), signals, *platform));
  if (!shim->spool_) {
    shim->log_.error(fmt::format("POSTLUDE_SPOOL_DIR: {}; deferred work cannot be kept",
                                 shim->spool_.error().message));
  } else if (const auto& problem = shim->spool_->adoption().problem) {
    shim->log_.warn(
        fmt::format("the spool of this environment: {}; {} files of older generations "
                    "wait for the next one",
                    problem->message,
                    shim->spool_->adoption().failed));
  }
  if (shim->config_.invocation_order == InvocationOrder::overlapping) {
    shim->flow_.expect_overlap();
  }
  shim->traffic_ = shim->flow_.traffic();
  shim->traffic_.restored = [self = shim.get()] { self->link_.send(Restored{}); };
  shim->traffic_.extension_health = [self = shim.get()] { return self->extension_.health(); };
  auto relay =
      Relay::listen(shim->loop_, shim->platform_, shim->traffic_, shim->config_.response_mode);
  if (!relay) {
    return tl::unexpected(relay.error());
  }
  shim->relay_ = std::move(*relay);
  shim->relay_->on_ended([self = shim.get()] { self->finish_if_over(); });
  shim->flow_.on(
      {.resume_polls = [self = shim.get()] { self->relay_->resume_polls(); },
       .settled = [self = shim.get()] { self->finish_if_over(); },
       .began = [self = shim.get()](
                    std::uint64_t sequence) { self->extension_.invocation_began(sequence); },
       .over = [self = shim.get()] { self->extension_.nothing_held(); },
       .lost = kill_processes_of});
  return shim;
}

Shim::Shim(Config config, Signals& signals, const TcpAddress& platform)
    : config_(std::move(config)),
      log_(STDOUT_FILENO, config_.log_level),
      platform_(platform),
      spool_(Spool::create(config_.spool_dir, config_.log_stream_name, config_.spool_limit)),
      link_(loop_,
            log_,
            {.message = [this](const Message& message) { extension_.on_message(message); },
             .lost = [this] { extension_.on_link_lost(); },
             .connected = [this] { extension_.on_connected(); },
             .sent = [this] { extension_.on_sent(); }}),
      journal_(config_, spool_, link_, log_),
      flow_(loop_,
            journal_,
            link_,
            log_,
            ReceiptWriter(log_, config_.metrics, config_.function_name)),
      supervisor_(loop_,
                  signals,
                  {.runtime_ended = [this](ExitStatus status) { runtime_ended(status); },
                   .extension_ended = [this](ExitStatus status) { extension_.on_ended(status); },
                   .terminating = [this] { terminate(); }}),
      extension_({loop_, supervisor_, link_, journal_, flow_},
                 log_,
                 Hello{.runtime_api = config_.runtime_api,
                       .task_root = config_.task_root,
                       .spool = spool_ ? spool_->folder() : std::string(),
                       .concurrency = config_.concurrency,
                       .deadline_margin = config_.deadline_margin,
                       .log_level = config_.log_level,
                       .metrics = config_.metrics},
                 {.stopped = [this] { finish_if_over(); },
                  .start_over = [this] { supervisor_.kill_runtime(); }}) {
  for (const std::string& warning : config_.warnings) {
    log_.warn(warning);
  }
}

void Shim::start_extension(const Environment& environment) {
  const std::string folder = own_program().folder();
  extension_.start({.source = extension_source(folder),
                    .order = config_.invocation_order,
                    .program = folder + "/libexec/postlude-extension",
                    .environment = environment});
}

Result<void> Shim::start_runtime(const std::vector<std::string>& command, Environment environment) {
  environment.set("AWS_LAMBDA_RUNTIME_API", relay_->address());
  environment.set("POSTLUDE_API", fmt::format("http://{}/postlude/v1", relay_->address()));
  return supervisor_.start_runtime(command, std::move(environment));
}

ExitStatus Shim::run() {
  loop_.run();
  return runtime_end_.value_or(ExitStatus{ExitStatus::Kind::signalled, SIGKILL});
}

void Shim::runtime_ended(ExitStatus status) {
  // Before it counts as ended: what this reads of the extension must not be the end of all while
  // what the runtime wrote is not read.
  extension_.runtime_ended();
  runtime_end_ = status;
  loop_.at(now() + kDrainTime, [this] {
    drain_time_over_ = true;
    finish_if_over();
  });
  loop_.at(now() + kAnswerDrainTime, [this] { runtime_drained(); });
  // The ends of its connections came with it, or before.
  loop_.after_round([this] { finish_if_over(); });
}

/// Other processes may hold its connections: what has not passed by then will not. Only what it
/// posted whole, an init error as much as an answer, is worth the wait for the platform's word.
bool Shim::runtime_has_passed() const {
  return relay_->drained() || (drain_time_over_ && !flow_.answering() && !relay_->awaits_answer());
}

void Shim::runtime_drained() {
  if (!std::exchange(drained_, true)) {
    flow_.runtime_died(*runtime_end_);
  }
  finish_if_over();
}

/// At a shutdown it ends by itself, right after it reported empty; then nothing of it is left.
bool Shim::extension_done() const {
  return extension_.finished() || (!terminating_ && !flow_.work_pending());
}

void Shim::finish_if_over() {
  if (!runtime_end_) {
    return;
  }
  if (!drained_ && runtime_has_passed()) {
    runtime_drained();
    return;
  }
  if (drained_ && extension_done()) {
    loop_.stop();
  }
}

void Shim::terminate() {
  terminating_ = true;
  const EpochTime deadline = now() + shutdown_time();
  extension_.shut_down(deadline - kExtensionReserve);
  loop_.at(deadline - kKillReserve, [this] { supervisor_.kill_extension(); });
  loop_.at(deadline - kEndReserve, [this] {
    extension_.out_of_time();
    supervisor_.kill_runtime();
    loop_.stop();
  });
}

}  // namespace postlude::runtime
