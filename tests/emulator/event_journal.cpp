#include "tests/emulator/event_journal.h"

#include "tests/emulator/write_all.h"

#include <nlohmann/json.hpp>

#include <fcntl.h>

#include <chrono>

namespace postlude::emulator {

Result<EventJournal> EventJournal::open(const std::string& target) {
  if (target.empty()) {
    return EventJournal(UniqueFd());
  }
  constexpr int kMode = 0644;
  UniqueFd file(target == "-"
                    ? ::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0)
                    : ::open(target.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, kMode));
  if (!file) {
    return errno_failure("open", target);
  }
  return EventJournal(std::move(file));
}

void EventJournal::record(std::string_view event, const nlohmann::json& members) {
  if (!file_) {
    return;
  }
  const std::lock_guard lock(mutex_);
  nlohmann::ordered_json line;
  line["event"] = event;
  line["ms"] = precise_epoch_ms();
  for (const auto& [key, value] : members.items()) {
    line[key] = value;
  }
  write_all(file_.get(),
            line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
}

double precise_epoch_ms() {
  return std::chrono::duration<double, std::milli>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

}  // namespace postlude::emulator
