#include "tests/emulator/timeline.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <utility>

namespace postlude::emulator {
namespace {

constexpr int kWidth = 50;              ///< of all that is drawn to scale
constexpr std::size_t kMostTasks = 20;  ///< a receipt may tell of a thousand
constexpr std::size_t kMostLabel = 20;
constexpr std::ptrdiff_t kMostKept =
    1000;  ///< where nobody takes them, or a function plays receipts

class Drawing {
 public:
  Drawing(double whole, std::size_t label_width)
      : column_ms_(std::max(whole, 1.0) / kWidth), label_width_(label_width) {}

  void bar(std::string_view label, char mark, double begin, double ms, std::string_view text) {
    const int at = column(begin);
    const int size = std::clamp(static_cast<int>(std::lround(ms / column_ms_)), 1, kWidth - at);
    row(label,
        std::string(static_cast<std::size_t>(at), ' ') +
            std::string(static_cast<std::size_t>(size), mark),
        text);
  }

  [[nodiscard]] std::string take() { return std::move(text_); }

 private:
  [[nodiscard]] int column(double ms) const {
    return std::clamp(static_cast<int>(ms / column_ms_), 0, kWidth - 1);
  }

  void row(std::string_view label, const std::string& drawn, std::string_view text) {
    text_ += fmt::format(
        "  {:<{}}  {:<{}}  {}\n", label.substr(0, kMostLabel), label_width_, drawn, kWidth, text);
  }

  double column_ms_;
  std::size_t label_width_;
  std::string text_;
};

std::string milliseconds(double ms) {
  return fmt::format("{:.{}f} ms", ms, ms < 10 ? 1 : 0);
}

/// A function may print what looks like a receipt and is none.
std::string text_in(const nlohmann::json& task, const char* name) {
  const bool there = task.is_object() && task.contains(name) && task.at(name).is_string();
  return there ? task.at(name).get<std::string>() : std::string();
}

double number_in(const nlohmann::json& task, const char* name) {
  const bool there = task.is_object() && task.contains(name) && task.at(name).is_number();
  return there ? task.at(name).get<double>() : 0;
}

std::string ended_as(const TaskTime& task) {
  return fmt::format(
      "{}, {}{}{}", milliseconds(task.ms), task.state, task.why.empty() ? "" : ": ", task.why);
}

}  // namespace

std::string draw_timeline(const InvocationTimes& times, const std::vector<TaskTime>& tasks) {
  std::size_t label_width = std::string_view("released").size();
  for (const TaskTime& task : tasks) {
    label_width = std::max(label_width, std::min(task.name.size(), kMostLabel));
  }
  Drawing drawing(times.init + times.release, label_width);
  if (times.init > 0) {
    drawing.bar("init", '=', 0, times.init, milliseconds(times.init));
  }
  const double begin = times.answer_begin.value_or(times.release);
  drawing.bar("handler",
              '=',
              times.init,
              begin,
              milliseconds(begin) + (times.answer_begin ? ", then the answer" : ", no answer"));
  const double end = times.answer_end.value_or(begin);
  if (end - begin >= 1) {
    drawing.bar("answer", '=', times.init + begin, end - begin, milliseconds(end - begin));
  }
  for (std::size_t index = 0; index < std::min(tasks.size(), kMostTasks); ++index) {
    drawing.bar(tasks[index].name, '-', times.init + end, tasks[index].ms, ended_as(tasks[index]));
  }
  if (tasks.size() > kMostTasks) {
    drawing.bar("...", ' ', 0, 0, fmt::format("and {} more tasks", tasks.size() - kMostTasks));
  }
  drawing.bar(times.answer_begin ? "released" : "ended",
              '|',
              times.init + times.release,
              0,
              times.answer_begin
                  ? fmt::format("{} after the answer", milliseconds(times.release - end))
                  : milliseconds(times.release));
  return drawing.take();
}

void TaskTimes::saw(std::string_view line) {
  if (!line.starts_with(R"({"postlude":"receipt")")) {
    return;
  }
  const auto receipt = nlohmann::json::parse(line, nullptr, false);
  if (!receipt.is_object() || !receipt.contains("tasks") || !receipt.at("tasks").is_array()) {
    return;
  }
  const std::lock_guard lock(mutex_);
  for (const auto& task : receipt.at("tasks")) {
    tasks_.push_back({text_in(task, "name"),
                      text_in(task, "state"),
                      number_in(task, "ms"),
                      text_in(task, "why")});
  }
  if (std::ssize(tasks_) > kMostKept) {
    tasks_.erase(tasks_.begin(), tasks_.end() - kMostKept);
  }
}

std::vector<TaskTime> TaskTimes::take() {
  const std::lock_guard lock(mutex_);
  return std::exchange(tasks_, {});
}

}  // namespace postlude::emulator
