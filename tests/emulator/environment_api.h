#pragma once

#include "common/http_head.h"
#include "tests/emulator/credentials.h"
#include "tests/emulator/faults.h"
#include "tests/emulator/generation.h"
#include "tests/emulator/http_answer.h"
#include "tests/emulator/http_connection.h"
#include "tests/emulator/telemetry.h"

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace postlude::emulator {

enum class EventFraming { length, chunked };
enum class InitType { on_demand, snap_start, managed_instances };

/// What the two APIs of an environment must know of the function and of the switches.
struct ApiSettings {
  EventFraming event_framing = EventFraming::length;
  InitType init_type = InitType::on_demand;
  std::string function_name;
  std::string handler;
  std::string account_id;
  AccessKeys access_keys{};
  std::string credentials_token{};                ///< with SnapStart: what gives them away
  std::chrono::milliseconds acknowledge_delay{};  ///< before each 202 to an answer
  // Of the environment, never null in use.
  Faults* faults = nullptr;
  Telemetry* telemetry = nullptr;
};

/// One request on its way through a route.
struct ApiRequest {
  HttpConnection& connection;
  const HttpHead& head;
  std::string_view path;  ///< of the target, without query
  std::shared_ptr<Generation> generation;
  const ApiSettings& settings;

  /// An ordered fault strikes now, and the journal says so; its bytes.
  [[nodiscard]] std::optional<std::size_t> strikes(Fault fault, std::string_view name) const;
  [[nodiscard]] std::optional<std::string> header(std::string_view name) const {
    const auto value = head.find(name);
    return value ? std::optional<std::string>(*value) : std::nullopt;
  }
};

/// Serves one connection of the processes of an environment until it ends. `current` gives the
/// generation at the time of a request.
void serve_environment_api(HttpConnection& connection,
                           const std::function<std::shared_ptr<Generation>()>& current,
                           const ApiSettings& settings);

/// Sends it with Content-Length. False: the connection must end.
[[nodiscard]] bool reply(const ApiRequest& request, const HttpAnswer& answer);
/// For an answer that goes out before the request's body was read: the peer gets to read it, then
/// the connection ends. Always false.
[[nodiscard]] bool reply_and_close(const ApiRequest& request, const HttpAnswer& answer);
/// Reads and drops the rest of the body, at most kMaxDropped, then replies.
[[nodiscard]] bool drop_body_and_reply(const ApiRequest& request, const HttpAnswer& answer);

struct BodyCut {
  bool malformed = false;
};
struct BodyTooLarge {};
/// The whole body if it has at most `limit` bytes.
[[nodiscard]] std::variant<std::string, BodyCut, BodyTooLarge> read_whole_body(
    const ApiRequest& request, std::size_t limit);

/// Parks a poll until `attempt` answers true (it is done) or the poller is gone or the polls are
/// closed. True: done.
enum class ParkEnd { served, gone, closed };
enum class Attempt { served, nothing, closed };
[[nodiscard]] ParkEnd park(const ApiRequest& request, const std::function<Attempt()>& attempt);

}  // namespace postlude::emulator
