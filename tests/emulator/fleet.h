#pragma once

#include "tests/emulator/execution_environment.h"

#include <condition_variable>
#include <list>
#include <memory>
#include <mutex>
#include <string>

namespace postlude::emulator {

/// The function's execution environments: an invocation goes to an idle one, else to a new one,
/// else nowhere (lambda-protocol.md 8, point 1). Thread-safe.
class Fleet {
 public:
  explicit Fleet(ExecutionEnvironment::World world) : world_(std::move(world)) {}
  /// Shuts all down, in parallel, and waits.
  ~Fleet();
  Fleet(const Fleet&) = delete;
  Fleet& operator=(const Fleet&) = delete;

  enum class Admission { admitted, throttled, failed };
  /// `throttled`: all environments are busy, for longer than --admission-wait. `failed`: no
  /// environment could be set up; why() says it.
  [[nodiscard]] Admission admit(const std::shared_ptr<Invocation>& invocation);
  [[nodiscard]] std::string why() const;
  /// Null if there is none of that number (any more).
  [[nodiscard]] std::shared_ptr<ExecutionEnvironment> find(int number) const;

  /// The first environment, ahead of any caller (--eager-init).
  [[nodiscard]] Result<void> start_first();
  /// From now on nobody is admitted.
  void stop();

 private:
  [[nodiscard]] Admission try_admit(const std::shared_ptr<Invocation>& invocation);
  [[nodiscard]] Result<void> add_environment();

  const ExecutionEnvironment::World world_;
  mutable std::mutex mutex_;
  std::list<std::shared_ptr<ExecutionEnvironment>> environments_;
  int last_number_ = 0;
  bool stopped_ = false;
  std::string why_;
};

}  // namespace postlude::emulator
