#pragma once

#include "common/error.h"
#include "tests/emulator/environment_api.h"
#include "tests/emulator/platform_log.h"
#include "tests/emulator/runtime_choice.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace postlude::emulator {

enum class UrlMode { buffered, stream };
enum class ShutdownSignal { group, process };
enum class InitMoment { on_demand, eager };
enum class TmpFolder { shared, private_folder };
enum class InvocationIds { off, on };
enum class MemoryLimit { told, enforced };
enum class Shaping { off, on };
enum class TimelineOf { nothing, each_invocation };
enum class Survivors {
  kill,  ///< a reset ends every process of the environment
  keep,  ///< a reset ends the process groups only; what left them lives on
};

/// Everything the command line decides; README.md lists the options.
struct Options {
  std::string function_dir;
  std::string layer_dir;  ///< stands for /opt; empty if none
  std::string function_name = "function";
  std::string handler = "index.handler";
  RuntimeChoice runtime;
  std::vector<std::pair<std::string, std::string>> variables;  ///< /opt is resolved already
  std::string region = "us-east-1";
  std::string account_id = "123456789012";
  int memory_mb = 128;
  MemoryLimit memory_limit = MemoryLimit::told;

  std::uint16_t port = 0;
  std::uint16_t url_port = 0;
  UrlMode url_mode = UrlMode::buffered;
  Shaping shaping = Shaping::off;
  std::string events;
  TimelineOf timeline = TimelineOf::nothing;

  std::size_t max_environments = 10;
  std::chrono::milliseconds admission_wait{};
  std::chrono::milliseconds retry_delay{60'000};  ///< of an Event; the second one is twice as long
  InitMoment init_moment = InitMoment::on_demand;
  std::chrono::milliseconds timeout{30'000};
  std::chrono::milliseconds init_timeout{};  ///< by default default_init_timeout()
  /// After a restore, until the runtime asks for its first event (lambda-protocol.md 1.6).
  std::chrono::milliseconds restore_timeout{10'000};
  std::optional<std::chrono::milliseconds> idle_shutdown;
  /// A freeze that lasts so long costs the connections to the outside (lambda-protocol.md 4.4).
  std::chrono::milliseconds idle_connections{350'000};
  ShutdownSignal shutdown_signal = ShutdownSignal::group;
  std::optional<std::chrono::milliseconds> runtime_shutdown_share;
  Survivors survivors = Survivors::kill;

  InvocationIds invocation_ids = InvocationIds::off;
  EventFraming event_framing = EventFraming::length;
  InitType init_type = InitType::on_demand;
  std::chrono::milliseconds acknowledge_delay{};
  std::size_t concurrency = 1;  ///< of an environment; more than 1 on Managed Instances only
  LogFormat log_format = LogFormat::text;

  TmpFolder tmp = TmpFolder::shared;
  std::string tmp_root;
  std::vector<std::string> keep_visible;  ///< more folders below /tmp that a private /tmp shows
};

/// The command line asked for help or was wrong: print `text`, exit with `status`.
struct EarlyExit {
  int status = 0;
  std::string text;
};

/// The platform's limit of an init (lambda-protocol.md 4.1): 10 s on demand, elsewhere 130 s or the
/// function's timeout, at most 15 minutes.
[[nodiscard]] std::chrono::milliseconds default_init_timeout(InitType type,
                                                             std::chrono::milliseconds timeout);

/// "on-demand": AWS_LAMBDA_INITIALIZATION_TYPE.
[[nodiscard]] std::string init_type_text(InitType type);

/// `launchers`: the folder of what runs a runtime identifier (runtime_choice.h).
[[nodiscard]] std::variant<Options, EarlyExit> parse_options(int argc,
                                                             const char* const* argv,
                                                             const std::string& launchers);

/// "250ms", "10s", "2m". Nothing for anything else.
[[nodiscard]] std::optional<std::chrono::milliseconds> parse_duration(const std::string& text);

/// `value` as the function sees it: a leading /opt is the layer's folder.
[[nodiscard]] std::string resolve_opt(const std::string& value, const std::string& layer_dir);

}  // namespace postlude::emulator
