#pragma once

#include "common/error.h"
#include "common/tcp.h"
#include "tests/bench/platform_peer.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace postlude::testing {

/// Invocations to play one after the other, or so many at once as a Managed Instance gets.
struct Batch {
  std::size_t invocations = 1;
  std::size_t parallel = 1;
  std::string event;  ///< JSON
};

/// Of one invocation, in nanoseconds since its event began to go out; -1 where there was none.
struct InvocationTimes {
  std::int64_t first_byte = -1;  ///< first bytes of the response's body
  std::int64_t answer = -1;      ///< its last byte: the caller is answered
  std::int64_t released = -1;    ///< every poll is parked again: the environment would be frozen
  std::int64_t release = -1;     ///< from the end of the last task to `released`
  std::size_t answer_bytes = 0;
  std::string answer_begin;  ///< the first kKeptBodyBytes
};

/// The platform of the benchmark: Runtime API and Extensions API of one environment on raw sockets,
/// one thread, nothing but what an invocation takes. It checks only what keeps a figure true: that
/// a response belongs to an invocation in flight and that all polls come back.
class PlayedPlatform {
 public:
  /// `times_name`: the abstract name of a datagram socket to which tasks tell when they end.
  [[nodiscard]] static Result<PlayedPlatform> open(const std::string& times_name);

  [[nodiscard]] std::uint16_t port() const { return listener_.port; }

  /// Until so many polls of runtimes and of extensions are parked. When the first poll of a runtime
  /// came (monotonic_ns).
  [[nodiscard]] Result<std::int64_t> until_parked(std::size_t runtimes, std::size_t extensions);
  [[nodiscard]] Result<std::vector<InvocationTimes>> run(const Batch& batch);
  /// Forgets every connection: the processes behind them are gone.
  void reset();

 private:
  struct InFlight {
    std::size_t number = 0;
    std::int64_t sent = 0;
    InvocationTimes times;
    bool answered = false;
  };

  PlayedPlatform() = default;
  [[nodiscard]] Result<void> wait_until(const std::function<bool()>& reached);
  [[nodiscard]] Result<void> round();
  void take(PlatformPeer& peer, const PlatformPeer::Request& request);
  void take_registration(PlatformPeer& peer, const PlatformPeer::Request& request);
  void take_response(PlatformPeer& peer, const PlatformPeer::Request& request);
  void read_task_ends();
  void begin(const Batch& batch);
  void settle(const Batch& batch, std::vector<InvocationTimes>& done);

  TcpListener listener_;
  UniqueFd task_ends_;
  std::int64_t last_task_end_ = -1;
  std::list<PlatformPeer> peers_;
  std::vector<PlatformPeer*> parked_runtimes_;
  std::vector<PlatformPeer*> parked_extensions_;
  bool invoke_registered_ = false;
  std::int64_t first_poll_ = -1;
  std::int64_t last_poll_ = -1;
  std::size_t last_number_ = 0;
  std::vector<InFlight> in_flight_;
  std::optional<Error> failure_;
};

}  // namespace postlude::testing
