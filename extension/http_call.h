#pragma once

#include "common/clock.h"
#include "common/error.h"
#include "extension/url.h"

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

struct HttpRequest {
  std::string method = "POST";
  Url url;
  HttpFields fields;  ///< Host and Content-Length are added
  std::string body;
  /// Where the host comes from a template: the addresses and names it may have. Null: any.
  const AllowedHosts* allowed = nullptr;
};

struct HttpAnswer {
  int status = 0;
  HttpFields fields;  ///< names as received
  std::string body;   ///< at most kMostAnswerBytes

  /// The first field of that name in any case.
  [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const;
};

/// No answer.
struct HttpFailure {
  enum class Kind {
    unreachable,  ///< name not resolved, connection refused or broken; worth another attempt
    timed_out,
    refused,  ///< by our rules or its certificate: would end the same way again
    stopped,  ///< by HttpCall::stop
  } kind = Kind::unreachable;
  std::string why;
};

/// One call, which another thread may stop.
class HttpCall {
 public:
  HttpCall();
  ~HttpCall();
  HttpCall(const HttpCall&) = delete;
  HttpCall& operator=(const HttpCall&) = delete;

  /// From any thread; the call returns soon after, unless it waits for a name server.
  void stop();

 private:
  friend class HttpConnections;
  struct State;
  std::unique_ptr<State> state_;
};

/// Makes HTTP requests over cpp-httplib, with the rules of design.md 5. Blocking; for any number of
/// threads at once. Connections are kept for the next call to the same origin until close_all().
/// A kept connection that breaks before a byte of the answer is replaced once, free of charge.
class HttpConnections {
 public:
  /// `certificates`: a CA bundle; empty: the first that exists where Amazon Linux and Debian keep
  /// theirs. Nothing is read before the first TLS call.
  explicit HttpConnections(std::string certificates);
  ~HttpConnections();
  HttpConnections(const HttpConnections&) = delete;
  HttpConnections& operator=(const HttpConnections&) = delete;

  /// Returns by `deadline`, but for a name server that does not answer (kMostNameServerTime).
  [[nodiscard]] tl::expected<HttpAnswer, HttpFailure> perform(const HttpRequest& request,
                                                              EpochTime deadline,
                                                              HttpCall& call);
  /// Before the environment may freeze.
  void close_all();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace postlude::extension
