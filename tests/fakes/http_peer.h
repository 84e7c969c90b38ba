#pragma once

#include "common/unique_fd.h"
#include "tests/fakes/certificates.h"

#include <openssl/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace postlude::testing {

/// One connection that was taken by an HttpPeer, for the thread that plays it.
class PeerConnection {
 public:
  PeerConnection(UniqueFd socket, SSL_CTX* tls);
  ~PeerConnection();
  PeerConnection(const PeerConnection&) = delete;
  PeerConnection& operator=(const PeerConnection&) = delete;

  /// The next request, head and body; empty if the other side hangs up (or never speaks TLS).
  std::string read_request();
  /// False if the other side is gone.
  bool write(std::string_view bytes);
  /// The other side has closed, or the peer goes away.
  void wait_until_closed();
  /// Of the socket, for those who do without TLS.
  [[nodiscard]] int fd() const { return socket_.get(); }

 private:
  UniqueFd socket_;
  SSL* session_ = nullptr;
  std::string read_;
};

/// A server on 127.0.0.1, HTTP or HTTPS, that does what a script says, byte by byte if it likes.
/// Each connection is played on a thread of its own, and closed when its script returns.
class HttpPeer {
 public:
  using Script = std::function<void(PeerConnection&)>;

  explicit HttpPeer(Script script);
  HttpPeer(Script script, const Credentials& credentials);
  ~HttpPeer();
  HttpPeer(const HttpPeer&) = delete;
  HttpPeer& operator=(const HttpPeer&) = delete;

  [[nodiscard]] std::uint16_t port() const { return port_; }
  /// Connections taken so far.
  [[nodiscard]] std::size_t connections() const;

 private:
  HttpPeer(Script script, SSL_CTX* tls);
  void accept();

  struct FreeContext {
    void operator()(SSL_CTX* context) const;
  };

  Script script_;
  std::unique_ptr<SSL_CTX, FreeContext> tls_;
  UniqueFd listener_;
  UniqueFd stop_;
  std::uint16_t port_ = 0;
  mutable std::mutex mutex_;
  std::vector<UniqueFd> sockets_;  ///< duplicates, shut down at the end
  std::vector<std::jthread> players_;
  std::jthread acceptor_;
};

/// Answers every request of a connection with `answer`.
[[nodiscard]] HttpPeer::Script always(std::string answer);

/// "HTTP/1.1 200 OK", Content-Length and the body.
[[nodiscard]] std::string http_answer(std::string_view body, std::string_view more_fields = "");

}  // namespace postlude::testing
