#pragma once

#include "common/clock.h"
#include "common/ip_address.h"
#include "extension/http_call.h"
#include "extension/ongoing_call.h"
#include "extension/ready_connection.h"
#include "extension/tls_trust.h"

#include <tl/expected.hpp>

#include <memory>

namespace postlude::extension {

/// One connection to one address of one origin, opened by its first exchange and never again. For
/// one thread at a time.
///
/// This is the only place that uses cpp-httplib's client. What it does not do as we need it is done
/// by hooks of ours: the head of a request (it would change the order of fields and the query), and
/// verifying (it would load the CA bundle for every connection).
class HttpConnection {
 public:
  /// The target of `origin` plays no part. `trust` must outlive the connection.
  HttpConnection(const Url& origin, const IpAddress& address, TlsTrust& trust);
  ~HttpConnection();
  HttpConnection(const HttpConnection&) = delete;
  HttpConnection& operator=(const HttpConnection&) = delete;

  [[nodiscard]] const IpAddress& address() const;
  [[nodiscard]] bool leads_to(const Url& origin) const;
  /// It stands, and the other side has said nothing since the last answer.
  [[nodiscard]] bool reusable() const;

  /// How far a failed exchange came.
  enum class Stage {
    connecting,  ///< nothing of the request was sent: another address may be tried
    unanswered,  ///< it was sent, perhaps in part, and no byte of an answer came
    answered,    ///< some of the answer came
  };
  struct Failure {
    Stage stage = Stage::connecting;
    HttpFailure failure;
  };

  /// `connect_by`: for the TCP connection, and again at most for each step of TLS. It does not look
  /// at the deadline, which is that others end the `call`.
  [[nodiscard]] tl::expected<HttpAnswer, Failure> exchange(const HttpRequest& request,
                                                           EpochTime connect_by,
                                                           OngoingCall& call);

  /// Connects, and makes the exchange that somebody brings to `ready`; as the first one. Where
  /// nobody does, the connection is closed and the stage is `connecting`.
  [[nodiscard]] tl::expected<HttpAnswer, Failure> exchange_when_asked(ReadyConnection& ready,
                                                                      EpochTime connect_by,
                                                                      OngoingCall& opening);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace postlude::extension
