#pragma once

#include "common/http_framing.h"
#include "common/http_head.h"
#include "runtime/exchange.h"
#include "runtime/relay_traffic.h"

#include <cstdint>
#include <string_view>
#include <vector>

namespace postlude::runtime {

/// One request of a relayed connection and its answer, as they pass: how far both are, and the word
/// of them to RelayTraffic. Knows no sockets.
///
/// What passed is noted first and told after the bytes went on, so that nothing we do with a
/// message delays it. Noted views must be valid until they are told.
class RelayExchange {
 public:
  explicit RelayExchange(RelayTraffic& traffic) : traffic_(traffic) {}

  /// Nothing is under way: both messages count as done.
  void clear();
  /// A request's head was read.
  void begin(ExchangeKind kind);
  /// It is an answer to an invocation.
  [[nodiscard]] AnswerTurn begin_answer(const Exchange& exchange, const HttpHead& head);

  [[nodiscard]] ExchangeKind kind() const { return kind_; }
  [[nodiscard]] bool is_poll() const {
    return kind_ == ExchangeKind::next || kind_ == ExchangeKind::restore_next;
  }
  [[nodiscard]] bool request_done() const { return request_done_; }
  [[nodiscard]] bool response_done() const { return response_done_; }
  /// The head of the final answer was read; interim ones (100 Continue) do not count.
  [[nodiscard]] bool response_began() const { return response_began_; }
  /// A whole poll waits for its event.
  [[nodiscard]] bool parked() const { return is_poll() && request_done_ && !response_began_; }
  [[nodiscard]] bool done() const { return request_done_ && response_done_; }
  /// Of the platform's last head; 0 before one.
  [[nodiscard]] int status() const { return status_; }

  void note_request(FramingEvent event, std::string_view bytes);
  void note_response(FramingEvent event, std::string_view bytes);
  void tell_request();
  /// The request was read to its end, but does not go up as it was read: tell_sent() follows when
  /// its last byte did.
  void request_read() { request_done_ = true; }
  void tell_sent();
  void tell_response();

  /// The answer was made by us.
  void answered_here() { response_done_ = true; }
  /// The runtime's side broke before its request was whole.
  void cut();
  /// The same before anything of it went up.
  void withdraw();
  /// The platform's side broke before its answer was whole: it took nothing, as far as is known.
  void lost();

 private:
  struct Passed {
    FramingEvent event;
    std::string_view bytes;
  };
  /// The invocation's answer, and the one that counts.
  [[nodiscard]] bool counts() const { return sequence_ != 0 && kind_ != ExchangeKind::next; }

  RelayTraffic& traffic_;
  ExchangeKind kind_ = ExchangeKind::other;
  std::uint64_t sequence_ = 0;  ///< of the invocation this exchange is about; 0: none
  int status_ = 0;
  bool request_done_ = true;
  bool response_done_ = true;
  bool response_began_ = false;
  std::vector<Passed> passed_;
};

}  // namespace postlude::runtime
