#pragma once

#include "common/error.h"
#include "tests/emulator/event_journal.h"
#include "tests/emulator/fleet.h"
#include "tests/emulator/options.h"

#include <cstdint>
#include <memory>

namespace postlude::emulator {

/// The Invoke API on 127.0.0.1 (lambda-protocol.md 6.1, 6.2): Invoke of every type with LogType,
/// and InvokeWithResponseStream. Threads: "listen", at most kMaxCallers connections, and those of
/// the queue of Events, owned here.
class InvokeApi {
 public:
  static constexpr std::size_t kMaxCallers = 1024;

  [[nodiscard]] static Result<std::unique_ptr<InvokeApi>> start(const Options& options,
                                                                Fleet& fleet,
                                                                EventJournal& journal);
  /// Callers that still wait must have been answered before.
  ~InvokeApi();
  InvokeApi(const InvokeApi&) = delete;
  InvokeApi& operator=(const InvokeApi&) = delete;

  [[nodiscard]] std::uint16_t port() const;

 private:
  class Server;
  explicit InvokeApi(std::unique_ptr<Server> server);

  std::unique_ptr<Server> server_;
};

}  // namespace postlude::emulator
