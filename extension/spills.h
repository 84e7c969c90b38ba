#pragma once

#include "extension/attempt_input.h"
#include "extension/http_call.h"
#include "extension/schedule_steps.h"
#include "extension/spill_forecast.h"
#include "extension/target_health.h"
#include "extension/task_services.h"
#include "extension/workers.h"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

namespace postlude::extension {

/// Hands tasks to their dead letters, in parallel, with threads of its own: attempts that hang must
/// not keep the last exit of others. Hosts that fail again and again are left alone. On the loop's
/// thread.
class Spills {
 public:
  /// `trouble` is empty where the dead letter took it. Called from within start() where the host is
  /// left alone, and never after stop().
  using Ended = std::function<void(std::uint64_t number, const std::string& trouble)>;

  /// Both outlive this object.
  Spills(EventLoop& loop, TaskServices& services, Ended ended);
  Spills(const Spills&) = delete;
  Spills& operator=(const Spills&) = delete;
  ~Spills();

  void start(const SpillTask& step, AttemptInput input);
  /// Spills to this ARN may come soon: gets credentials and opens connections, so that each is one
  /// round trip. Its own failures say nothing.
  void expect(const std::string& target, const SpillForecast::Expected& expected);
  /// Its time is over. An unknown number is fine.
  void stop(std::uint64_t number);

  /// None of them will come any more.
  void rest();

  /// Threads are at work, perhaps in a look-up that nothing can interrupt.
  [[nodiscard]] bool busy() { return workers_.busy(); }

 private:
  struct Running {
    std::uint64_t serial = 0;  ///< tells spills of one task apart
    std::string host;          ///< empty: its target makes no sense
    std::shared_ptr<HttpCall> call;
  };

  void job_ended(std::uint64_t number, std::uint64_t serial, const AttemptResult& result);

  TaskServices& services_;
  Ended ended_;
  TargetHealth health_;
  std::map<std::uint64_t, Running> running_;
  std::vector<std::weak_ptr<HttpCall>> opening_;
  std::uint64_t last_serial_ = 0;
  Workers workers_;
};

}  // namespace postlude::extension
