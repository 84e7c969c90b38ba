#include "tests/emulator/options.h"

#include "tests/emulator/template_file.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <map>
#include <sstream>

namespace postlude::emulator {
namespace {

using std::chrono::milliseconds;

CLI::Validator duration() {
  return {[](const std::string& text) {
            return parse_duration(text) ? std::string()
                                        : text + " is no duration like 250ms, 10s, 2m";
          },
          "DURATION"};
}

/// Of a function and of an init (lambda-protocol.md 1.10, 4.1).
constexpr milliseconds kMostTimeout{900'000};

using Pairs = std::vector<std::pair<std::string, std::string>>;

/// Texts as they were given; turned into Options when all of them are known.
struct Given {
  std::string template_file;
  std::string resource;
  std::vector<std::string> parameters;
  std::string runtime;
  std::vector<std::string> variables;
  std::string url_mode = "buffered";
  std::string shutdown_signal = "group";
  std::string event_framing = "length";
  std::string init_type = "on-demand";
  std::string timeout = "30s";
  std::string init_timeout;
  std::string restore_timeout = "10s";
  std::string idle_shutdown;
  std::string idle_connections = "350s";
  std::string share;
  std::string acknowledge_delay = "0ms";
  std::string admission_wait = "0ms";
  std::string retry_delay = "1m";
  bool eager_init = false;
  bool invocation_id = false;
  bool enforce_memory = false;
  bool private_tmp = false;
  bool shape = false;
  bool timeline = false;
  std::string survivors = "kill";
  std::size_t managed_concurrency = 0;
  std::string log_format = "text";
};

void add_function_options(CLI::App& app, Options& options, Given& given) {
  auto* file = app.add_option("--template", given.template_file, "SAM template of the function")
                   ->check(CLI::ExistingFile);
  app.add_option("--resource", given.resource, "the function in the template")->needs(file);
  app.add_option("--parameter", given.parameters, "K=V of the template, may be repeated")
      ->needs(file);
  app.add_option("--function", options.function_dir, "the function's folder (LAMBDA_TASK_ROOT)")
      ->check(CLI::ExistingDirectory);
  app.add_option("--layer", options.layer_dir, "folder that stands for /opt")
      ->check(CLI::ExistingDirectory);
  app.add_option("--handler", options.handler, "_HANDLER");
  app.add_option("--name", options.function_name, "the function's name");
  app.add_option("--runtime", given.runtime, "python3.13, nodejs22.x, ..., or a command");
  app.add_option("--env", given.variables, "K=V, may be repeated");
  app.add_option("--memory", options.memory_mb, "memory size in MB, told to the function");
  app.add_flag("--enforce-memory", given.enforce_memory, "no process may have more data than that");
  app.add_option("--region", options.region, "AWS_REGION");
  app.add_option("--account", options.account_id, "account id in ARNs");
}

void add_caller_options(CLI::App& app, Options& options, Given& given) {
  app.add_option("--port", options.port, "Invoke API on 127.0.0.1; 0 picks one");
  app.add_option("--url-port", options.url_port, "Function URL on 127.0.0.1; 0 picks one");
  app.add_option("--url-mode", given.url_mode, "invoke mode of the Function URL")
      ->check(CLI::IsMember({"buffered", "stream"}));
  app.add_flag("--shape", given.shape, "streams: 6 MiB at once, then 2 MiB/s");
  app.add_option("--events", options.events, "file or '-' for one JSON line per event");
  given.timeline = ::isatty(STDOUT_FILENO) == 1;
  app.add_flag("--timeline,!--no-timeline",
               given.timeline,
               "draw where the time of each invocation went; on a terminal it is the default");
}

void add_lifecycle_options(CLI::App& app, Options& options, Given& given) {
  app.add_option("--max-environments", options.max_environments, "environments at once")
      ->check(CLI::Range(1, 1000));
  app.add_option("--admission-wait", given.admission_wait, "a caller waits so long before its 429")
      ->check(duration());
  app.add_option("--retry-delay", given.retry_delay, "until an Event is tried again")
      ->check(duration());
  app.add_flag("--eager-init", given.eager_init, "one environment is initialised at the start");
  app.add_option("--timeout", given.timeout, "the function's timeout")->check(duration());
  app.add_option("--init-timeout", given.init_timeout, "limit of an init")->check(duration());
  app.add_option("--restore-timeout", given.restore_timeout, "limit of a SnapStart restore")
      ->check(duration());
  app.add_option("--idle-shutdown", given.idle_shutdown, "idle environments are shut down after it")
      ->check(duration());
  app.add_option("--idle-connections", given.idle_connections, "freezes that long cost connections")
      ->check(duration());
  app.add_option("--signal", given.shutdown_signal, "who gets the shutdown's SIGTERM")
      ->check(CLI::IsMember({"group", "process"}));
  app.add_option("--shutdown-share", given.share, "the runtime's part of the shutdown budget")
      ->check(duration());
  app.add_option("--reset-survivors", given.survivors, "processes outside the groups at a reset")
      ->check(CLI::IsMember({"kill", "keep"}));
}

void add_protocol_options(CLI::App& app, Options& options, Given& given) {
  app.add_flag("--invocation-id", given.invocation_id, "send Lambda-Runtime-Invocation-Id");
  app.add_option("--event-framing", given.event_framing, "how events are delivered")
      ->check(CLI::IsMember({"length", "chunked"}));
  app.add_option("--init-type", given.init_type, "AWS_LAMBDA_INITIALIZATION_TYPE")
      ->check(CLI::IsMember({"on-demand", "snap-start"}));
  app.add_option("--managed-instances", given.managed_concurrency, "invocations at once in each")
      ->check(CLI::Range(1, 1000));
  app.add_option("--log-format", given.log_format, "of the platform's records")
      ->check(CLI::IsMember({"text", "json"}));
  app.add_option("--acknowledge-delay", given.acknowledge_delay, "wait before each 202")
      ->check(duration());
  app.add_flag("--private-tmp", given.private_tmp, "every environment has its own /tmp");
  app.add_option("--tmp-root", options.tmp_root, "where the private /tmp folders are");
  app.add_option("--keep-visible", options.keep_visible, "folder below /tmp that stays visible")
      ->check(CLI::ExistingDirectory);
}

milliseconds known_duration(const std::string& text) {
  return parse_duration(text).value_or(milliseconds{});
}

std::string absolute(const std::string& path) {
  return path.empty() ? path : std::filesystem::canonical(path).string();
}

/// What a build has laid out is there, unless its last step was left out.
Result<void> check_launcher(const RuntimeChoice& runtime, const std::string& launchers) {
  for (const std::string& word : runtime.command) {
    if (word.starts_with(launchers + "/") && !std::filesystem::exists(word)) {
      return fail(runtime.identifier + ": " + word +
                  " does not exist; 'make deps build' lays it out");
    }
  }
  return {};
}

Result<void> set_runtime(Options& options,
                         const std::string& runtime,
                         const std::string& launchers) {
  auto chosen = choose_runtime(runtime, launchers);
  if (!chosen) {
    return fail("--runtime: " + chosen.error().message);
  }
  if (!chosen->identifier.empty()) {
    if (auto checked = check_launcher(*chosen, launchers); !checked) {
      return fail("--runtime: " + checked.error().message);
    }
  }
  options.runtime = std::move(*chosen);
  return {};
}

Result<Pairs> pairs_of(const std::string& option, const std::vector<std::string>& given) {
  Pairs pairs;
  for (const std::string& pair : given) {
    const std::size_t equals = pair.find('=');
    if (equals == std::string::npos || equals == 0) {
      return fail(fmt::format("{}: {} is not K=V", option, pair));
    }
    pairs.emplace_back(pair.substr(0, equals), pair.substr(equals + 1));
  }
  return pairs;
}

Result<void> set_variables(Options& options, const std::vector<std::string>& given) {
  auto own = pairs_of("--env", given);
  if (!own) {
    return tl::unexpected(own.error());
  }
  options.variables.insert(options.variables.end(), own->begin(), own->end());
  for (auto& [name, value] : options.variables) {
    value = resolve_opt(value, options.layer_dir);
  }
  return {};
}

Result<TemplateFunction> function_of_template(const Options& options, const Given& given) {
  const auto variables = pairs_of("--env", given.variables);
  const auto parameters = pairs_of("--parameter", given.parameters);
  if (!variables || !parameters) {
    return tl::unexpected(variables ? parameters.error() : variables.error());
  }
  TemplateRequest request{.file = given.template_file,
                          .question = {.resource = given.resource},
                          .place = {options.region, options.account_id},
                          .parameters = {parameters->begin(), parameters->end()}};
  for (const auto& [name, value] : *variables) {
    request.question.known_variables.insert(name);
  }
  return load_function(request);
}

/// Everything that the command line does not say.
Result<void> fill_from_template(const CLI::App& app, Options& options, Given& given) {
  auto function = function_of_template(options, given);
  if (!function) {
    return tl::unexpected(function.error());
  }
  const auto open = [&](const char* option) { return app.count(option) == 0; };
  const auto take = [&](const char* option, const Result<std::string>& text, std::string& place) {
    if (open(option) && text) {
      place = *text;
    }
    return open(option) && !text ? Result<void>(tl::unexpected(text.error())) : Result<void>();
  };
  const auto layer = function->layer.map(&TemplateLayer::content);
  for (const auto& taken : {take("--function", function->code, options.function_dir),
                            take("--runtime", function->runtime, given.runtime),
                            take("--layer", layer, options.layer_dir)}) {
    if (!taken) {
      return taken;
    }
  }
  options.function_name = open("--name") ? function->name : options.function_name;
  options.handler = open("--handler") ? function->handler : options.handler;
  options.memory_mb = open("--memory") ? function->memory_mb : options.memory_mb;
  options.variables = std::move(function->variables);
  given.timeout = open("--timeout") ? fmt::format("{}s", function->timeout_seconds) : given.timeout;
  if (open("--url-mode") && function->url_mode == UrlMode::stream) {
    given.url_mode = "stream";
  }
  if (open("--log-format") && function->log_format == LogFormat::json) {
    given.log_format = "json";
  }
  return {};
}

void set_choices(Options& options, const Given& given) {
  options.url_mode = given.url_mode == "stream" ? UrlMode::stream : UrlMode::buffered;
  options.timeline = given.timeline ? TimelineOf::each_invocation : TimelineOf::nothing;
  options.shaping = given.shape ? Shaping::on : Shaping::off;
  options.shutdown_signal =
      given.shutdown_signal == "process" ? ShutdownSignal::process : ShutdownSignal::group;
  options.event_framing =
      given.event_framing == "chunked" ? EventFraming::chunked : EventFraming::length;
  options.init_type = given.init_type == "snap-start" ? InitType::snap_start : InitType::on_demand;
  if (given.managed_concurrency > 0) {
    options.init_type = InitType::managed_instances;
    options.timeline = TimelineOf::nothing;
    options.concurrency = given.managed_concurrency;
  }
  const bool json = given.log_format == "json" || given.managed_concurrency > 0;
  options.log_format = json ? LogFormat::json : LogFormat::text;
  options.init_moment = given.eager_init ? InitMoment::eager : InitMoment::on_demand;
  options.invocation_ids = given.invocation_id ? InvocationIds::on : InvocationIds::off;
  options.memory_limit = given.enforce_memory ? MemoryLimit::enforced : MemoryLimit::told;
  options.tmp = given.private_tmp ? TmpFolder::private_folder : TmpFolder::shared;
  options.survivors = given.survivors == "keep" ? Survivors::keep : Survivors::kill;
}

void set_durations(Options& options, const Given& given) {
  options.timeout = known_duration(given.timeout);
  options.init_timeout = parse_duration(given.init_timeout)
                             .value_or(default_init_timeout(options.init_type, options.timeout));
  options.restore_timeout = known_duration(given.restore_timeout);
  options.acknowledge_delay = known_duration(given.acknowledge_delay);
  options.admission_wait = known_duration(given.admission_wait);
  options.retry_delay = known_duration(given.retry_delay);
  options.idle_shutdown = parse_duration(given.idle_shutdown);
  options.idle_connections = known_duration(given.idle_connections);
  options.runtime_shutdown_share = parse_duration(given.share);
}

Result<Options> complete(Options options, const Given& given, const std::string& launchers) {
  if (options.function_dir.empty() || given.runtime.empty()) {
    return fail(std::string(options.function_dir.empty() ? "--function" : "--runtime") +
                " is required, or --template with --resource");
  }
  if (given.managed_concurrency > 0 && given.init_type == "snap-start") {
    return fail("--managed-instances: there is no SnapStart there");
  }
  if (known_duration(given.timeout) > kMostTimeout) {
    return fail("--timeout: a function has at most 900s");
  }
  options.function_dir = absolute(options.function_dir);
  options.layer_dir = absolute(options.layer_dir);
  set_choices(options, given);
  set_durations(options, given);
  if (auto set = set_runtime(options, given.runtime, launchers); !set) {
    return tl::unexpected(set.error());
  }
  if (auto set = set_variables(options, given.variables); !set) {
    return tl::unexpected(set.error());
  }
  return options;
}

}  // namespace

std::variant<Options, EarlyExit> parse_options(int argc,
                                               const char* const* argv,
                                               const std::string& launchers) {
  CLI::App app("A local AWS Lambda: Runtime API, Extensions API, Invoke API and Function URL.",
               "postlude-emulator");
  Options options;
  Given given;
  add_function_options(app, options, given);
  add_caller_options(app, options, given);
  add_lifecycle_options(app, options, given);
  add_protocol_options(app, options, given);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    std::ostringstream text;
    const int status = app.exit(error, text, text);
    return EarlyExit{status, text.str()};
  }
  constexpr int kUsage = 2;
  if (!given.template_file.empty()) {
    if (const auto filled = fill_from_template(app, options, given); !filled) {
      return EarlyExit{kUsage, filled.error().message + "\n"};
    }
  }
  auto completed = complete(std::move(options), given, launchers);
  if (!completed) {
    return EarlyExit{kUsage, completed.error().message + "\n"};
  }
  return std::move(*completed);
}

milliseconds default_init_timeout(InitType type, milliseconds timeout) {
  constexpr milliseconds kOnDemand{10'000};
  constexpr milliseconds kElsewhere{130'000};
  return type == InitType::on_demand ? kOnDemand
                                     : std::min(std::max(kElsewhere, timeout), kMostTimeout);
}

std::string init_type_text(InitType type) {
  switch (type) {
    case InitType::on_demand:
      return "on-demand";
    case InitType::snap_start:
      return "snap-start";
    case InitType::managed_instances:
      return "lambda-managed-instances";
  }
  return "on-demand";
}

std::optional<milliseconds> parse_duration(const std::string& text) {
  long long number = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string unit(parsed.ptr, text.data() + text.size());
  static const std::map<std::string, int> kUnits{{"ms", 1}, {"s", 1000}, {"m", 60'000}};
  const auto found = kUnits.find(unit);
  constexpr long long kMost = 1'000'000;
  if (parsed.ec != std::errc{} || number < 0 || number > kMost || found == kUnits.end()) {
    return std::nullopt;
  }
  return milliseconds{number * found->second};
}

std::string resolve_opt(const std::string& value, const std::string& layer_dir) {
  const bool below = value == "/opt" || value.starts_with("/opt/");
  constexpr std::size_t kPrefix = 4;
  return below && !layer_dir.empty() ? layer_dir + value.substr(kPrefix) : value;
}

}  // namespace postlude::emulator
