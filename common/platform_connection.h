#pragma once

#include "common/error.h"
#include "common/event_loop.h"
#include "common/http_framing.h"
#include "common/unique_fd.h"

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace postlude {

struct PlatformAnswer {
  int status = 0;
  std::string head;
  std::string body;
};

/// One connection to the platform's HTTP API, one request at a time, on the thread of the loop. It
/// stays open between requests and is made anew where the platform closed it meanwhile. There are
/// no timeouts: a poll may be parked for as long as the environment is frozen. No request is
/// repeated once a byte of it was sent: the platform refuses a second poll.
class PlatformConnection {
 public:
  using Done = std::function<void(Result<PlatformAnswer>)>;

  /// `address` is host:port.
  PlatformConnection(EventLoop& loop, std::string address)
      : loop_(loop), address_(std::move(address)) {}
  PlatformConnection(const PlatformConnection&) = delete;
  PlatformConnection& operator=(const PlatformConnection&) = delete;
  ~PlatformConnection();

  [[nodiscard]] const std::string& address() const { return address_; }

  enum class Reading {
    at_once,        ///< the answer wakes the loop
    when_attended,  ///< it lies there until attend()
  };

  /// `done` is called once, later, from the loop or from attend(), and may call request() again.
  /// Only between two requests.
  void request(std::string bytes, Done done, Reading reading = Reading::at_once);
  /// Somebody else has heard that an answer is due: reads what is there, and wakes for the rest.
  void attend();

 private:
  [[nodiscard]] bool still_open() const;
  void connect();
  void ready(short revents);
  void send_rest();
  void receive();
  void read_messages();
  [[nodiscard]] short wanted_events() const;
  void lost(Error error);
  void finish(Result<PlatformAnswer> answer);
  void drop();

  EventLoop& loop_;
  std::string address_;
  UniqueFd fd_;
  std::optional<EventLoop::Slot> slot_;
  bool connecting_ = false;
  std::string unsent_;
  bool untouched_ = true;  ///< not a byte of the request was sent
  Done done_;              ///< empty between requests
  bool resting_ = false;   ///< an answer is not to wake anybody
  HttpFraming framing_{MessageKind::response};
  std::string input_;
  PlatformAnswer answer_;
  std::optional<EventLoop::TimerId> failure_;
};

}  // namespace postlude
