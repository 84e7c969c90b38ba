#include "extension/http_call.h"

#include "common/http_head.h"
#include "common/mutex.h"
#include "extension/call_watch.h"
#include "extension/http_connection.h"
#include "extension/ongoing_call.h"
#include "extension/ready_connection.h"
#include "extension/request_head.h"
#include "extension/tls_trust.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <locale>
#include <utility>

namespace postlude::extension {
namespace {

using Kind = HttpFailure::Kind;
using Stage = HttpConnection::Stage;
using End = OngoingCall::End;

/// cpp-httplib reads status lines with std::regex, which fills two caches of the process's locale
/// without a lock when it first uses them (libstdc++). Filled before there are threads, they are
/// only read.
void fill_locale_caches() {
  const auto& letters = std::use_facet<std::ctype<char>>(std::locale());
  static_cast<void>(letters.widen('a'));
  for (int code = 0; code <= std::numeric_limits<unsigned char>::max(); ++code) {
    static_cast<void>(letters.narrow(static_cast<char>(code), '\0'));
  }
}

/// As many as calls at once (contract.md 3, POSTLUDE_CONCURRENCY).
constexpr std::size_t kMostKept = 64;
/// Of a name with several; more are not worth the time.
constexpr std::size_t kMostAddresses = 8;
/// For an address that is not the last: a first one that does not answer must leave time for
/// others.
constexpr Millis kMostConnectTime = std::chrono::seconds(3);
/// The last address has until the deadline, which CallWatch keeps: what comes later only guards it.
constexpr Millis kAfterDeadline = std::chrono::seconds(1);

tl::unexpected<HttpFailure> refuse(std::string why) {
  return tl::unexpected(HttpFailure{Kind::refused, std::move(why)});
}

/// What a failure is called where the call has been ended from outside.
HttpFailure name_end(const HttpConnection::Failure& failure, End end, const Url& url) {
  const std::string peer = url.endpoint();
  if (end == End::none) {
    return failure.failure;
  }
  if (end == End::stopped) {
    return {Kind::stopped, fmt::format("call of {} was stopped", peer)};
  }
  switch (failure.stage) {
    case Stage::connecting:
      return {Kind::timed_out, fmt::format("no connection to {} in time", peer)};
    case Stage::unanswered:
      return {Kind::timed_out, fmt::format("{} did not answer in time", peer)};
    case Stage::answered:
      break;
  }
  return {Kind::timed_out, fmt::format("the answer of {} did not end in time", peer)};
}

Result<void> check_url(const HttpRequest& request) {
  if (request.allowed == nullptr) {
    return {};
  }
  if (!request.url.tls) {
    return fail(fmt::format("{} is not called without TLS: its name comes from a template",
                            request.url.endpoint()));
  }
  return request.allowed->check_host(request.url.host);
}

/// The addresses that may be connected to.
Addresses allowed_addresses(const HttpRequest& request, std::vector<IpAddress> found) {
  if (request.allowed == nullptr) {
    return found;
  }
  std::string why;
  std::erase_if(found, [&](const IpAddress& address) {
    const auto checked = request.allowed->check_address(address);
    if (!checked && why.empty()) {
      why = checked.error().message;
    }
    return !checked;
  });
  if (found.empty()) {
    const bool literal = parse_ip_spelling(request.url.host).has_value();
    return refuse(literal ? why : fmt::format("{}: {}", request.url.host, why));
  }
  return found;
}

}  // namespace

std::optional<std::string_view> HttpAnswer::find(std::string_view name) const {
  const auto found = std::find_if(fields.begin(), fields.end(), [name](const auto& field) {
    return equal_ignoring_case(field.first, name);
  });
  return found == fields.end() ? std::nullopt : std::optional<std::string_view>(found->second);
}

HttpCall::HttpCall() : ongoing_(std::make_unique<OngoingCall>()) {}
HttpCall::~HttpCall() = default;

void HttpCall::stop() {
  ongoing_->end(End::stopped);
}

struct HttpConnections::State {
  using Kept = std::unique_ptr<HttpConnection>;

  State(std::string certificates, Resolver resolver)
      : trust(std::move(certificates)), resolve(std::move(resolver)) {}

  /// A connection that was opened ahead, and what came of it.
  struct Ready {
    explicit Ready(Url origin) : meeting(std::move(origin)) {}
    ReadyConnection meeting;
    tl::expected<HttpAnswer, HttpConnection::Failure> end;  ///< of its use
  };

  [[nodiscard]] Kept take(const HttpRequest& request);
  [[nodiscard]] std::shared_ptr<Ready> take_ready(const HttpRequest& request);
  [[nodiscard]] std::optional<tl::expected<HttpAnswer, HttpConnection::Failure>> perform_on_open(
      const HttpRequest& request, EpochTime deadline, OngoingCall& call);
  void open_ahead(Ready& ready, EpochTime deadline, OngoingCall& call);
  void keep(Kept connection, std::uint64_t begun_in);
  [[nodiscard]] std::uint64_t current_period();
  [[nodiscard]] tl::expected<HttpAnswer, HttpFailure> perform(const HttpRequest& request,
                                                              EpochTime deadline,
                                                              OngoingCall& call);
  [[nodiscard]] tl::expected<HttpAnswer, HttpFailure> connect_and_perform(
      const HttpRequest& request, EpochTime deadline, OngoingCall& call);

  TlsTrust trust;
  Resolver resolve;
  CallWatch watch;
  Mutex mutex;
  std::vector<Kept> kept POSTLUDE_GUARDED_BY(mutex);
  std::vector<std::shared_ptr<Ready>> opened POSTLUDE_GUARDED_BY(mutex);
  /// close_all() begins a new one; connections of an earlier one are not kept.
  std::uint64_t period POSTLUDE_GUARDED_BY(mutex) = 0;
};

std::uint64_t HttpConnections::State::current_period() {
  const Lock lock(mutex);
  return period;
}

/// The newest that may be used; those that broke meanwhile are closed.
HttpConnections::State::Kept HttpConnections::State::take(const HttpRequest& request) {
  const Lock lock(mutex);
  std::erase_if(kept, [](const Kept& connection) { return !connection->reusable(); });
  const auto found = std::find_if(kept.rbegin(), kept.rend(), [&](const Kept& connection) {
    return connection->leads_to(request.url) &&
           (request.allowed == nullptr || request.allowed->check_address(connection->address()));
  });
  if (found == kept.rend()) {
    return nullptr;
  }
  Kept result = std::move(*found);
  kept.erase(std::next(found).base());
  return result;
}

void HttpConnections::State::keep(Kept connection, std::uint64_t begun_in) {
  const Lock lock(mutex);
  if (begun_in != period || !connection->reusable()) {
    return;
  }
  if (kept.size() >= kMostKept) {
    kept.erase(kept.begin());
  }
  kept.push_back(std::move(connection));
}

/// Those are for services of AWS, so nobody restricts where they lead to.
std::shared_ptr<HttpConnections::State::Ready> HttpConnections::State::take_ready(
    const HttpRequest& request) {
  const Lock lock(mutex);
  const auto found = std::find_if(opened.begin(), opened.end(), [&](const auto& ready) {
    const Url& origin = ready->meeting.origin();
    return request.allowed == nullptr && request.method != "HEAD" &&
           origin.tls == request.url.tls && origin.port == request.url.port &&
           origin.host == request.url.host;
  });
  if (found == opened.end()) {
    return nullptr;
  }
  auto result = std::move(*found);
  opened.erase(found);
  return result;
}

/// Nothing: there is no connection to use.
std::optional<tl::expected<HttpAnswer, HttpConnection::Failure>>
HttpConnections::State::perform_on_open(const HttpRequest& request,
                                        EpochTime deadline,
                                        OngoingCall& call) {
  const std::uint64_t begun_in = current_period();
  if (Kept connection = take(request)) {
    auto answer = connection->exchange(request, deadline, call);
    if (answer) {
      keep(std::move(connection), begun_in);
    }
    return answer;
  }
  const std::shared_ptr<Ready> ready = take_ready(request);
  if (ready && ready->meeting.use(request, call)) {
    return std::move(ready->end);
  }
  return std::nullopt;
}

tl::expected<HttpAnswer, HttpFailure> HttpConnections::State::perform(const HttpRequest& request,
                                                                      EpochTime deadline,
                                                                      OngoingCall& call) {
  if (auto answer = perform_on_open(request, deadline, call)) {
    if (*answer) {
      return std::move(**answer);
    }
    const End end = call.ended();
    if (answer->error().stage == Stage::answered || end != End::none) {
      return tl::unexpected(name_end(answer->error(), end, request.url));
    }
  }
  return connect_and_perform(request, deadline, call);
}

/// One address is enough: where it fails, the call that needs it tries all of them.
void HttpConnections::State::open_ahead(Ready& ready, EpochTime deadline, OngoingCall& call) {
  const std::uint64_t begun_in = current_period();
  const auto addresses = resolve(ready.meeting.origin().host);
  bool used = false;
  if (addresses && call.ended() == End::none) {
    auto connection =
        std::make_unique<HttpConnection>(ready.meeting.origin(), addresses->front(), trust);
    ready.end = connection->exchange_when_asked(ready.meeting, deadline, call);
    used = ready.end || ready.end.error().stage != Stage::connecting;
    if (ready.end) {
      keep(std::move(connection), begun_in);
    }
  }
  ready.meeting.done(used ? ReadyConnection::Outcome::used : ReadyConnection::Outcome::unused);
}

tl::expected<HttpAnswer, HttpFailure> HttpConnections::State::connect_and_perform(
    const HttpRequest& request, EpochTime deadline, OngoingCall& call) {
  const std::uint64_t begun_in = current_period();
  auto addresses = resolve(request.url.host);
  if (!addresses && call.ended() != End::stopped) {
    const bool late = call.ended() == End::timed_out;
    return tl::unexpected(HttpFailure{late ? Kind::timed_out : addresses.error().kind,
                                      std::move(addresses.error().why)});
  }
  if (call.ended() != End::none) {
    return tl::unexpected(name_end({}, call.ended(), request.url));
  }
  addresses = allowed_addresses(request, std::move(*addresses));
  if (!addresses) {
    return tl::unexpected(std::move(addresses.error()));
  }
  addresses->resize(std::min(addresses->size(), kMostAddresses));
  HttpConnection::Failure last;
  auto left = static_cast<Millis::rep>(addresses->size());
  for (const IpAddress& address : *addresses) {
    if (call.ended() != End::none) {
      break;
    }
    const EpochTime at = now();
    const Millis share = remaining(deadline, at) / left;
    const EpochTime connect_by =
        at + (left == 1 ? share + kAfterDeadline : std::min(share, kMostConnectTime));
    --left;
    auto connection = std::make_unique<HttpConnection>(request.url, address, trust);
    auto answer = connection->exchange(request, connect_by, call);
    if (answer) {
      keep(std::move(connection), begun_in);
      return std::move(*answer);
    }
    last = std::move(answer.error());
    if (last.stage != Stage::connecting || last.failure.kind == Kind::refused) {
      break;
    }
  }
  return tl::unexpected(name_end(last, call.ended(), request.url));
}

HttpConnections::HttpConnections(std::string certificates, Resolver resolver)
    : state_(std::make_unique<State>(std::move(certificates), std::move(resolver))) {
  fill_locale_caches();
}

HttpConnections::~HttpConnections() = default;

tl::expected<HttpAnswer, HttpFailure> HttpConnections::perform(const HttpRequest& request,
                                                               EpochTime deadline,
                                                               HttpCall& call) {
  OngoingCall& ongoing = *call.ongoing_;
  if (auto checked = check_request(request); !checked) {
    return refuse(std::move(checked.error().message));
  }
  if (auto checked = check_url(request); !checked) {
    return refuse(std::move(checked.error().message));
  }
  if (deadline <= now()) {
    ongoing.end(End::timed_out);
  }
  if (const End end = ongoing.ended(); end != End::none) {
    return tl::unexpected(name_end({}, end, request.url));
  }
  const CallWatch::Guard watched(state_->watch, ongoing, deadline);
  auto answer = state_->perform(request, deadline, ongoing);
  ongoing.drop_socket();
  return answer;
}

void HttpConnections::open_ahead(const Url& origin, EpochTime deadline, HttpCall& call) {
  OngoingCall& ongoing = *call.ongoing_;
  const auto ready = std::make_shared<State::Ready>(origin);
  {
    const Lock lock(state_->mutex);
    state_->opened.push_back(ready);
  }
  {
    const CallWatch::Guard watched(state_->watch, ongoing, deadline);
    state_->open_ahead(*ready, deadline, ongoing);
    ongoing.drop_socket();
  }
  const Lock lock(state_->mutex);
  std::erase(state_->opened, ready);
}

void HttpConnections::close_all() {
  std::vector<State::Kept> closing;
  const Lock lock(state_->mutex);
  ++state_->period;
  closing.swap(state_->kept);
  for (const auto& ready : state_->opened) {
    ready->meeting.withdraw();
  }
  state_->opened.clear();
}

}  // namespace postlude::extension
