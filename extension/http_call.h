#pragma once

#include "common/allowed_hosts.h"
#include "common/clock.h"
#include "common/url.h"
#include "extension/http_failure.h"
#include "extension/resolve.h"

#include <tl/expected.hpp>

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace postlude::extension {

/// What is kept of an answer's body; the rest is read and forgotten.
inline constexpr std::size_t kMostAnswerBytes = std::size_t{1} << 20;

using HttpFields = std::vector<std::pair<std::string, std::string>>;

/// Sent exactly so: the target as `url` has it, Host, `fields` in their order and spelling, then
/// Accept and User-Agent where they are not among them, and Content-Length.
struct HttpRequest {
  std::string method = "POST";
  Url url;
  HttpFields fields;  ///< not Host, Content-Length, Transfer-Encoding and Connection
  std::string body;
  /// Where the host comes from a template: the hosts it may be, with https only. Null: any.
  const AllowedHosts* allowed = nullptr;
};

struct HttpAnswer {
  int status = 0;
  HttpFields fields;  ///< names as received, in no order
  std::string body;   ///< at most kMostAnswerBytes

  /// The first field of that name in any case.
  [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const;
};

class OngoingCall;

/// What another thread may stop: one call, or several one after the other. Once one was stopped or
/// was late, all later ones end at once.
class HttpCall {
 public:
  HttpCall();
  ~HttpCall();
  HttpCall(const HttpCall&) = delete;
  HttpCall& operator=(const HttpCall&) = delete;

  /// From any thread, also before the call begins. It returns soon after, unless it waits for a
  /// name server.
  void stop();

 private:
  friend class HttpConnections;
  std::unique_ptr<OngoingCall> ongoing_;
};

/// Makes HTTP requests over cpp-httplib, with the rules of design.md 5. Blocking; for any number of
/// threads at once. Connections are kept for the next call to the same origin until close_all().
/// A kept connection that breaks before a byte of the answer is replaced once, free of charge.
/// Made before there are other threads. SIGPIPE must be ignored (Signals::block does it). Owns one
/// thread, which ends late calls.
class HttpConnections {
 public:
  /// `certificates`: a CA bundle; empty: the first that exists where Amazon Linux and Debian keep
  /// theirs. Nothing is read, and no thread started, before the first call.
  explicit HttpConnections(std::string certificates, Resolver resolver = resolve);
  /// No call may be under way.
  ~HttpConnections();
  HttpConnections(const HttpConnections&) = delete;
  HttpConnections& operator=(const HttpConnections&) = delete;

  /// Returns by `deadline`, but for a name server that does not answer (kMostNameServerTime).
  [[nodiscard]] tl::expected<HttpAnswer, HttpFailure> perform(const HttpRequest& request,
                                                              EpochTime deadline,
                                                              HttpCall& call);
  /// Opens a connection, not sending anything, and keeps it for the next call to that origin: then
  /// that call is one round trip. Blocks until the connection was used or close_all() is called, by
  /// `deadline` at the latest.
  void open_ahead(const Url& origin, EpochTime deadline, HttpCall& call);

  /// Before the environment may freeze. Connections in use are closed when their call is over.
  void close_all();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace postlude::extension
