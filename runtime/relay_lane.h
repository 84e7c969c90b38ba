#pragma once

#include "common/http_framing.h"

#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace postlude::runtime {

/// Where a read puts its bytes: one block for the whole process, since its loop handles one
/// connection at a time. Large enough that 6 MB need about a hundred reads.
using ScratchBlock = std::array<char, std::size_t{64} << 10>;

/// One direction of a relayed connection. In the plain case bytes are received into the scratch
/// block, understood there and sent on from there; only what could not be sent, or is not whole yet
/// (a head, a chunk size line, trailers), is kept. Backpressure: nothing is read while anything
/// waits to be sent, so a lane keeps at most one block and one incomplete head.
class RelayLane {
 public:
  enum class Io { progress, blocked, closed, reset };

  explicit RelayLane(MessageKind kind) : framing_(kind) {}

  [[nodiscard]] HttpFraming& framing() { return framing_; }
  [[nodiscard]] const HttpFraming& framing() const { return framing_; }

  /// Bytes are understood and wait for the other side.
  [[nodiscard]] bool unsent() const { return approved_ > 0; }
  [[nodiscard]] std::size_t unsent_size() const { return approved_; }
  /// Bytes wait that were received and not understood yet.
  [[nodiscard]] bool unread() const { return view().size() > approved_; }
  [[nodiscard]] bool ended() const { return ended_; }

  /// Takes what the socket has, at most one block. Views of the bytes are valid until keep().
  [[nodiscard]] Io receive(int fd, ScratchBlock& scratch);

  /// The bytes that step() has not consumed yet.
  [[nodiscard]] std::string_view rest() const { return view().substr(approved_); }
  /// The next thing in rest(), which it consumes: the bytes are sent by the next send().
  FramingStep step();
  /// The bytes the last step consumed.
  [[nodiscard]] std::string_view stepped(std::size_t size) const {
    return view().substr(approved_ - size, size);
  }
  /// Consumes the last step's bytes without sending them; only while nothing is unsent before them.
  void drop(std::size_t size);
  /// Others for the bytes of the last step; only while nothing is unsent before them. Views of the
  /// lane's bytes are void after it.
  void replace(std::size_t size, std::string_view bytes);
  /// Bytes of our own before what is not consumed yet; only while nothing is unsent. Views as
  /// above.
  void insert(std::string_view bytes) { replace(0, bytes); }
  /// Un-consumes a head just stepped over, so that it waits; approve() lets it go.
  void withhold(std::size_t size) { approved_ -= size; }
  void approve(std::size_t size) { approved_ += size; }

  /// Sends what was approved, as far as the socket takes it. `fd` < 0: not connected yet.
  [[nodiscard]] Io send(int fd);
  /// Keeps what is left of the scratch block. After every round of receive, step and send.
  void keep();
  /// The other side takes nothing any more: approved bytes vanish.
  void discard();
  /// Forgets what was received and not approved.
  void drop_rest();
  /// Adds bytes of our own, to be sent next. Only while the lane holds nothing else.
  void place(std::string_view bytes);

 private:
  [[nodiscard]] std::string_view view() const {
    return kept_.empty() ? fresh_ : std::string_view(kept_).substr(kept_from_);
  }
  void consume(std::size_t size);

  HttpFraming framing_;
  std::string kept_;
  std::size_t kept_from_ = 0;  ///< consumed already; the bytes stay until keep()
  std::string_view fresh_;     ///< into the scratch block; empty while kept_ holds bytes
  std::size_t approved_ = 0;   ///< of view(): may be sent
  bool ended_ = false;
};

}  // namespace postlude::runtime
