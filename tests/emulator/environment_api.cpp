#include "tests/emulator/environment_api.h"

#include "tests/emulator/limits.h"
#include "tests/emulator/runtime_api.h"

#include <nlohmann/json.hpp>

#include <poll.h>

#include <array>

namespace postlude::emulator {
namespace {

/// A body that nobody wants is read this far, so that the connection can go on.
constexpr std::size_t kMaxDropped = std::size_t{16} << 20;

bool serve_request(const ApiRequest& request) {
  if (request.path.starts_with("/2020-01-01/extension/") ||
      request.path == "/2022-07-01/telemetry" || request.path == "/2020-08-15/logs") {
    return serve_extensions_api(request);
  }
  return serve_runtime_api(request);
}

}  // namespace

void serve_environment_api(HttpConnection& connection,
                           const std::function<std::shared_ptr<Generation>()>& current,
                           const ApiSettings& settings) {
  while (const auto bytes = connection.read_head()) {
    const HttpHead head(*bytes);
    const std::string_view target = head.target();
    auto generation = current();
    if (!generation) {
      return;
    }
    const ApiRequest request{
        connection, head, target.substr(0, target.find('?')), std::move(generation), settings};
    if (!serve_request(request)) {
      return;
    }
  }
}

std::optional<std::size_t> ApiRequest::strikes(Fault fault, std::string_view name) const {
  const auto bytes = settings.faults->strike(fault);
  if (bytes) {
    generation->record("fault", {{"fault", name}, {"afterBytes", *bytes}});
  }
  return bytes;
}

bool reply(const ApiRequest& request, const HttpAnswer& answer) {
  const bool close = request.connection.close_after();
  HttpAnswer sent = answer;
  if (close) {
    sent.headers.emplace_back("Connection", "close");
  }
  return request.connection.write(whole_answer(sent)) && !close;
}

bool reply_and_close(const ApiRequest& request, const HttpAnswer& answer) {
  HttpAnswer sent = answer;
  sent.headers.emplace_back("Connection", "close");
  if (request.connection.write(whole_answer(sent))) {
    request.connection.close_gently();
  }
  return false;
}

bool drop_body_and_reply(const ApiRequest& request, const HttpAnswer& answer) {
  std::size_t dropped = 0;
  while (dropped < kMaxDropped) {
    const auto piece = request.connection.read_body();
    if (!piece) {
      return false;
    }
    if (!*piece) {
      return reply(request, answer);
    }
    dropped += (*piece)->size();
  }
  return reply_and_close(request, answer);
}

std::variant<std::string, BodyCut, BodyTooLarge> read_whole_body(const ApiRequest& request,
                                                                 std::size_t limit) {
  const auto declared = request.header("Content-Length");
  if (declared && declared->size() < 19 && std::stoull(*declared) > limit) {
    return BodyTooLarge{};
  }
  std::string body;
  while (true) {
    const auto piece = request.connection.read_body();
    if (!piece) {
      return BodyCut{piece.error().code != ErrorCode::closed};
    }
    if (!*piece) {
      return body;
    }
    if (body.size() + (*piece)->size() > limit) {
      return BodyTooLarge{};
    }
    body.append(**piece);
  }
}

ParkEnd park(const ApiRequest& request, const std::function<Attempt()>& attempt) {
  Generation::Parked parked(*request.generation);
  request.connection.park();
  while (true) {
    parked.clear();
    if (request.connection.peer_gone()) {
      return ParkEnd::gone;
    }
    const Attempt result = attempt();
    if (result != Attempt::nothing) {
      return result == Attempt::served ? ParkEnd::served : ParkEnd::closed;
    }
    std::array<pollfd, 2> watched{
        {{parked.fd(), POLLIN, 0}, {request.connection.fd(), POLLRDHUP, 0}}};
    ::poll(watched.data(), watched.size(), -1);
  }
}

}  // namespace postlude::emulator
