#pragma once

#include "common/error.h"
#include "common/unique_fd.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <stop_token>
#include <thread>

namespace postlude::emulator {

class HttpConnection;

/// Listens on 127.0.0.1 and serves every connection on a thread of its own (parked polls block), at
/// most kMaxConnections at once; more wait in the backlog. Threads: "accept" and one a connection,
/// all owned and joined here.
class HttpListener {
 public:
  static constexpr std::size_t kMaxConnections = 1024;

  /// Serves one connection until it is of no more use. Must return soon after
  /// HttpConnection::shut().
  using Handler = std::function<void(HttpConnection&)>;

  /// Port 0 picks a free one.
  [[nodiscard]] static Result<std::unique_ptr<HttpListener>> start(std::uint16_t port,
                                                                   Handler handler);
  ~HttpListener();
  HttpListener(const HttpListener&) = delete;
  HttpListener& operator=(const HttpListener&) = delete;

  [[nodiscard]] std::uint16_t port() const { return port_; }

  /// Ends all open connections; new ones are welcome.
  void shut_connections();
  /// Every open connection waits for a request, with nothing unread.
  [[nodiscard]] bool quiet();

 private:
  struct Served;

  HttpListener(UniqueFd listener, std::uint16_t port, Handler handler);
  void accept_all(const std::stop_token& stop);
  void serve(UniqueFd socket);
  void reap();

  UniqueFd listener_;
  UniqueFd wake_;
  std::uint16_t port_;
  Handler handler_;
  std::mutex mutex_;
  std::list<std::unique_ptr<Served>> served_;
  std::jthread acceptor_;
};

}  // namespace postlude::emulator
