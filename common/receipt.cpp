#include "common/receipt.h"

#include "common/log.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>

namespace postlude {
namespace {

using Json = nlohmann::ordered_json;

/// One line feed is added by the writer.
constexpr std::size_t kMostBytes = kMaxLogLineBytes - 1;
/// Texts from outside, in bytes, so that a task and the frame around it fit into one line even
/// where each byte is escaped to six. The end of a long error says little.
constexpr std::size_t kMostTextBytes = 128;
constexpr std::size_t kMostWhyBytes = 400;
/// Room for `,"part":1000,"parts":1000`.
constexpr std::size_t kPartBytes = 26;

std::string dumped(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

bool needs_attention(TaskState state) {
  return state == TaskState::failed || state == TaskState::expired || state == TaskState::spilled ||
         state == TaskState::dropped;
}

/// "3 done, 1 failed"
std::string summary(const Receipt& receipt) {
  std::string text;
  for (int value = 0; value <= static_cast<int>(TaskState::dropped); ++value) {
    const auto state = static_cast<TaskState>(value);
    const auto count = std::count_if(receipt.tasks.begin(),
                                     receipt.tasks.end(),
                                     [state](const auto& task) { return task.state == state; });
    if (count > 0) {
      text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count, state_name(state));
    }
  }
  if (receipt.late_error_type) {
    text += fmt::format("{}error after the answer", text.empty() ? "" : ", ");
  }
  return text.empty() ? "nothing was deferred" : "deferred work: " + text;
}

Json task_json(const ReceiptTask& task) {
  Json object = {{"id", shortened(task.id)},
                 {"name", shortened(task.name)},
                 {"state", state_name(task.state)},
                 {"attempts", task.attempts},
                 {"ms", task.time.value_or(Millis::zero()).count()}};
  if (task.why) {
    object["why"] = std::string_view(*task.why).substr(0, kMostWhyBytes);
  }
  return object;
}

Json frame_json(const Receipt& receipt, EpochTime at) {
  const bool attention =
      std::any_of(receipt.tasks.begin(), receipt.tasks.end(), [](const ReceiptTask& task) {
        return needs_attention(task.state);
      });
  Json frame = {{"postlude", "receipt"},
                {"timestamp", iso_timestamp(at)},
                {"level", level_name(attention ? LogLevel::warn : LogLevel::info)},
                {"message", summary(receipt)},
                {"requestId", shortened(receipt.request_id)}};
  if (receipt.response_time) {
    frame["responseMs"] = receipt.response_time->count();
  }
  if (receipt.held_time) {
    frame["heldMs"] = receipt.held_time->count();
  }
  frame["tasks"] = Json::array();
  if (receipt.late_error_type) {
    frame["lateErrorType"] = shortened(*receipt.late_error_type);
  }
  return frame;
}

/// Fills parts one after the other with the entries of the receipt's lists.
class Parts {
 public:
  explicit Parts(Json frame) : frame_(std::move(frame)), frame_bytes_(dumped(frame_).size()) {
    open();
  }

  void add(const char* list, Json entry) {
    const std::size_t bytes = dumped(entry).size() + 1;
    const std::size_t key_bytes = frame_.contains(list) ? 0 : std::string_view(list).size() + 6;
    if (!empty_ && bytes_ + bytes + key_bytes > kMostBytes - kPartBytes) {
      open();
    }
    bytes_ += bytes + (parts_.back().contains(list) ? 0 : key_bytes);
    parts_.back()[list].push_back(std::move(entry));
    empty_ = false;
  }

  [[nodiscard]] std::vector<std::string> lines() {
    std::vector<std::string> result;
    for (Json& part : parts_) {
      if (parts_.size() > 1) {
        part["part"] = result.size() + 1;
        part["parts"] = parts_.size();
      }
      result.push_back(dumped(part));
    }
    return result;
  }

 private:
  void open() {
    parts_.push_back(frame_);
    bytes_ = frame_bytes_;
    empty_ = true;
  }

  Json frame_;
  std::size_t frame_bytes_;
  std::vector<Json> parts_;
  std::size_t bytes_ = 0;
  bool empty_ = true;
};

}  // namespace

std::string_view shortened(std::string_view text) {
  return text.substr(0, kMostTextBytes);
}

std::string_view state_name(TaskState state) {
  constexpr std::array<std::string_view, 9> kNames = {
      "queued", "running", "waiting", "carried", "done", "failed", "spilled", "expired", "dropped"};
  return kNames.at(static_cast<std::size_t>(state));
}

bool has_ended(TaskState state) {
  return state >= TaskState::done;
}

std::vector<std::string> receipt_lines(const Receipt& receipt, EpochTime at) {
  Parts parts(frame_json(receipt, at));
  for (const ReceiptTask& task : receipt.tasks) {
    parts.add("tasks", task_json(task));
  }
  for (const std::string& id : receipt.handler_request_ids) {
    parts.add("handlerRequestIds", shortened(id));
  }
  return parts.lines();
}

}  // namespace postlude
