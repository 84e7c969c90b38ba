#pragma once

#include "tests/emulator/telemetry_subscription.h"

#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace postlude::emulator {

/// The Telemetry API of one environment: events go to the extensions that subscribed to them, in
/// batches, to listeners in the environment (lambda-protocol.md 3.8). What a listener does not take
/// is lost, and platform.logsDropped says so. Threads: "telemetry", one a subscriber, owned here.
/// All functions are thread-safe; only subscribe() and end() may wait.
class Telemetry {
 public:
  Telemetry();
  ~Telemetry();
  Telemetry(const Telemetry&) = delete;
  Telemetry& operator=(const Telemetry&) = delete;

  /// Replaces what the extension subscribed to before.
  void subscribe(const std::string& extension, const TelemetrySubscription& wanted);
  [[nodiscard]] bool wanted(TelemetrySource source) const;
  /// `event` is a whole JSON object.
  void publish(TelemetrySource source, const std::string& event);
  /// Nothing waits for more events: the environment shuts down.
  void hurry();
  /// The extensions' processes are gone.
  void end();

 private:
  class Subscriber;

  mutable std::mutex mutex_;
  std::map<std::string, std::unique_ptr<Subscriber>> subscribers_;  ///< by extension
};

}  // namespace postlude::emulator
