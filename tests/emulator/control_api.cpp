#include "tests/emulator/control_api.h"

#include "common/http_head.h"
#include "tests/emulator/control_command.h"
#include "tests/emulator/faults.h"
#include "tests/emulator/http_answer.h"
#include "tests/emulator/http_connection.h"
#include "tests/emulator/refusal.h"

#include <nlohmann/json.hpp>

#include <poll.h>

#include <string>
#include <utility>

namespace postlude::emulator {
namespace {

constexpr int kBadRequest = 400;
constexpr int kNotFound = 404;

HttpAnswer done(const nlohmann::json& members) {
  HttpAnswer answer;
  answer.body = members.dump() + "\n";
  return answer;
}

HttpAnswer cannot(int status, const std::string& message) {
  HttpAnswer answer;
  answer.status = status;
  answer.body = "{\"message\":" + json_quoted(message) + "}\n";
  return answer;
}

HttpAnswer freeze(ExecutionEnvironment& environment,
                  std::chrono::milliseconds duration,
                  const HttpConnection& caller) {
  const Sandbox::Frozen frozen = environment.hold();
  if (duration.count() > 0) {
    // Ends early if the test is gone.
    pollfd watched{caller.fd(), POLLRDHUP, 0};
    ::poll(&watched, 1, static_cast<int>(duration.count()));
    environment.release();
  }
  return done(
      {{"processes", frozen.pids.size()}, {"pids", frozen.pids}, {"complete", frozen.complete}});
}

HttpAnswer ordered(Faults& faults, Fault fault, std::size_t after_bytes) {
  faults.order(fault, after_bytes);
  return done({{"ordered", true}});
}

HttpAnswer obey(const ControlCommand& command,
                ExecutionEnvironment& environment,
                const HttpConnection& caller) {
  Faults& faults = environment.faults();
  switch (command.word) {
    case ControlWord::freeze:
      return freeze(environment, command.duration, caller);
    case ControlWord::thaw:
      return done({{"processes", environment.release()}});
    case ControlWord::shutdown:
      environment.stop();
      return done({{"ordered", true}});
    case ControlWord::vanish:
      environment.vanish();
      return done({{"ordered", true}});
    case ControlWord::drop_connections: {
      const auto dropped = environment.drop_connections();
      return done({{"connections", dropped.connections}, {"complete", dropped.complete}});
    }
    case ControlWord::cut_event:
      return ordered(faults, Fault::cut_event, command.after_bytes);
    case ControlWord::cut_answer:
      return ordered(faults, Fault::cut_answer, command.after_bytes);
    case ControlWord::stale_answer:
      return ordered(faults, Fault::stale_answer, 0);
    case ControlWord::hold_acknowledgement:
      return ordered(faults, Fault::hold_acknowledgement, 0);
    case ControlWord::acknowledge:
      faults.acknowledge();
      return done({{"ordered", true}});
  }
  return cannot(kBadRequest, "no such command");
}

HttpAnswer answer(Fleet& fleet, const HttpHead& head, const HttpConnection& caller) {
  if (head.method() != "POST") {
    return cannot(kBadRequest, "commands are posted");
  }
  const auto command = parse_control_command(head.target());
  if (!command) {
    return cannot(kBadRequest, command.error().message);
  }
  const auto environment = fleet.find(command->environment);
  return environment ? obey(*command, *environment, caller)
                     : cannot(kNotFound, "there is no such environment");
}

}  // namespace

Result<std::unique_ptr<ControlApi>> ControlApi::start(Fleet& fleet) {
  auto listener = HttpListener::start(0, [&fleet](HttpConnection& connection) {
    while (const auto bytes = connection.read_head()) {
      const HttpHead head(*bytes);
      if (!connection.write(whole_answer(answer(fleet, head, connection))) ||
          connection.close_after()) {
        return;
      }
    }
  });
  if (!listener) {
    return tl::unexpected(listener.error());
  }
  std::unique_ptr<ControlApi> api(new ControlApi());
  api->listener_ = std::move(*listener);
  return api;
}

}  // namespace postlude::emulator
