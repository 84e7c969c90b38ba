#pragma once

#include <chrono>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace postlude::emulator {

/// Where the time of one invocation went, in milliseconds.
struct InvocationTimes {
  double init = 0;                     ///< before the event; 0: the environment was there
  std::optional<double> answer_begin;  ///< from the event; none: there was no answer
  std::optional<double> answer_end;    ///< from the event
  double release = 0;                  ///< from the event: the environment is free, or ended
};

/// One task, as Postlude's receipt tells of it.
struct TaskTime {
  std::string name;
  std::string state;
  double ms = 0;  ///< it ran so long in this invocation; when, no receipt says
  std::string why;
};

/// Lines for a terminal, each with its line feed: a bar to scale for the init, the handler, the
/// answer (where it took time) and each task, and the moment of the release. Tasks begin with the
/// end of the answer here. Pure.
[[nodiscard]] std::string draw_timeline(const InvocationTimes& times,
                                        const std::vector<TaskTime>& tasks);

/// The tasks of the invocation at hand, picked out of the function's log. Thread-safe.
class TaskTimes {
 public:
  /// Any line of the log.
  void saw(std::string_view line);
  /// Those since the last call.
  [[nodiscard]] std::vector<TaskTime> take();

 private:
  std::mutex mutex_;
  std::vector<TaskTime> tasks_;
};

}  // namespace postlude::emulator
