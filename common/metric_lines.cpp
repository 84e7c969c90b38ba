#include "common/metric_lines.h"

#include "common/object_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <map>
#include <utility>

namespace postlude {
namespace {

constexpr std::string_view kByFunction = R"(["FunctionName"])";
constexpr std::string_view kByTask = R"(["FunctionName","TaskName"])";
constexpr std::string_view kMilliseconds = "Milliseconds";
constexpr std::string_view kCount = "Count";
constexpr std::size_t kMostValues = 100;

struct Metric {
  std::string_view name;
  std::string_view unit;
  std::string value;  ///< JSON text
};

/// The two kinds of text from outside that become dimensions: a function's name is at most 140
/// characters, and a task's 64, all of them ASCII.
struct Subject {
  std::string_view function;
  std::string_view task;  ///< empty: no dimension
  std::string_view request_id;
};

std::string line_of(const std::vector<Metric>& metrics, const Subject& subject, EpochTime at) {
  std::string definitions;
  for (const Metric& metric : metrics) {
    definitions += fmt::format(R"({}{{"Name":"{}","Unit":"{}"}})",
                               definitions.empty() ? "" : ",",
                               metric.name,
                               metric.unit);
  }
  ObjectText line;
  line.json("_aws",
            fmt::format(R"({{"Timestamp":{},"CloudWatchMetrics":[{{"Namespace":"Postlude",)"
                        R"("Dimensions":[{}],"Metrics":[{}]}}]}})",
                        epoch_ms(at),
                        subject.task.empty() ? kByFunction : kByTask,
                        definitions));
  line.text("postlude", "log");
  line.text("FunctionName", subject.function);
  if (!subject.task.empty()) {
    line.text("TaskName", subject.task);
  }
  line.text("requestId", subject.request_id);
  for (const Metric& metric : metrics) {
    line.json(metric.name, metric.value);
  }
  return line.take();
}

void add_answer(const Receipt& receipt, std::vector<Metric>& metrics) {
  if (!receipt.response_time || receipt.response_repeated) {
    return;
  }
  const auto number = [](auto value) { return fmt::format("{}", value); };
  metrics.push_back({"ResponseTime", kMilliseconds, number(receipt.response_time->count())});
  if (receipt.held_time) {
    metrics.push_back({"HeldTime", kMilliseconds, number(receipt.held_time->count())});
  }
  metrics.push_back({"ResponseErrors", kCount, number(receipt.response_failed ? 1 : 0)});
  metrics.push_back({"LateErrors", kCount, number(receipt.late_error_type ? 1 : 0)});
}

void add_tasks(const std::vector<ReceiptTask>& tasks, std::vector<Metric>& metrics) {
  if (tasks.empty()) {
    return;
  }
  const auto count = [&tasks, &metrics](std::string_view name, auto counts) {
    metrics.push_back(
        {name, kCount, fmt::format("{}", std::count_if(tasks.begin(), tasks.end(), counts))});
  };
  const auto in = [](TaskState state) {
    return [state](const ReceiptTask& task) { return task.state == state; };
  };
  count("TasksAccepted", [](const ReceiptTask& task) { return task.first; });
  count("TasksDone", in(TaskState::done));
  count("TasksFailed", in(TaskState::failed));
  count("TasksSpilled", in(TaskState::spilled));
  count("TasksExpired", in(TaskState::expired));
  count("TasksDropped", in(TaskState::dropped));
  count("TasksCarried", in(TaskState::carried));
}

/// By name; of those that ran in this invocation.
std::map<std::string_view, std::vector<Millis::rep>> durations(
    const std::vector<ReceiptTask>& tasks) {
  std::map<std::string_view, std::vector<Millis::rep>> times;
  for (const ReceiptTask& task : tasks) {
    if (task.time) {
      times[task.name].push_back(task.time->count());
    }
  }
  return times;
}

std::string value_of(const Millis::rep* first, std::size_t count) {
  return count == 1 ? fmt::format("{}", *first)
                    : fmt::format("[{}]", fmt::join(first, first + count, ","));
}

}  // namespace

std::vector<std::string> metric_lines(const Receipt& receipt,
                                      std::string_view function_name,
                                      EpochTime at) {
  std::vector<std::string> lines;
  std::vector<Metric> metrics;
  add_answer(receipt, metrics);
  add_tasks(receipt.tasks, metrics);
  Subject subject{function_name, {}, shortened(receipt.request_id)};
  if (!metrics.empty()) {
    lines.push_back(line_of(metrics, subject, at));
  }
  for (const auto& [name, times] : durations(receipt.tasks)) {
    subject.task = name;
    for (std::size_t begin = 0; begin < times.size(); begin += kMostValues) {
      const std::size_t size = std::min(kMostValues, times.size() - begin);
      lines.push_back(line_of(
          {{"TaskDuration", kMilliseconds, value_of(times.data() + begin, size)}}, subject, at));
    }
  }
  return lines;
}

}  // namespace postlude
