#pragma once

#include "tests/emulator/event_journal.h"
#include "tests/emulator/fleet.h"
#include "tests/emulator/invocation.h"
#include "tests/emulator/options.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>

namespace postlude::emulator {

/// Asynchronous invocations (type Event): each is tried until the function succeeds, at most three
/// times with the same request id; without room for it, it is tried again for hours. Threads: one
/// an event, at most kMaxEvents, owned here.
class EventQueue {
 public:
  /// As many as wait or run at once; more are throttled.
  static constexpr std::size_t kMaxEvents = 256;
  /// Attempts beyond the first (lambda-protocol.md 6.1).
  static constexpr int kRetries = 2;

  EventQueue(const Options& options, Fleet& fleet, EventJournal& journal)
      : options_(options), fleet_(fleet), journal_(journal) {}
  /// Events that still wait are lost. The fleet must have been stopped before.
  ~EventQueue();
  EventQueue(const EventQueue&) = delete;
  EventQueue& operator=(const EventQueue&) = delete;

  /// False: there is no room.
  [[nodiscard]] bool push(InvocationRequest request);

 private:
  struct Event {
    std::atomic<bool> done = false;
    std::jthread thread;
  };
  void process(const InvocationRequest& request, const std::stop_token& stop);
  /// Until the fleet takes it. Nothing: it was never taken.
  [[nodiscard]] std::shared_ptr<Invocation> admit(const InvocationRequest& request,
                                                  const std::stop_token& stop);
  /// False: it was stopped.
  [[nodiscard]] bool wait(std::chrono::milliseconds time, const std::stop_token& stop);

  const Options& options_;
  Fleet& fleet_;
  EventJournal& journal_;
  std::mutex mutex_;
  std::condition_variable_any stopped_;
  std::list<std::unique_ptr<Event>> events_;
};

}  // namespace postlude::emulator
