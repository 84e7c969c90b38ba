#include "extension/captures.h"

#include "extension/response_view.h"

#include <sys/stat.h>

#include <algorithm>

namespace postlude::extension {
namespace {

/// The shim keeps 256 KiB of a response, and errors are smaller; anything above is no file of ours.
constexpr std::size_t kMostBodyBytes = std::size_t{1} << 20;

}  // namespace

void Captures::hold(const TaskRecord& record, std::vector<UniqueFd> files) {
  Entry* entry = find(record.key);
  if (entry == nullptr) {
    entry = &entries_.emplace_back();
    entry->key = record.key;
  }
  ++entry->tasks;
  auto next = files.begin();
  const auto keep = [&](File& file, const std::string& name) {
    if (!name.empty() && next != files.end()) {
      UniqueFd given = std::move(*next++);
      if (given && !file.fd && !file.taken) {
        file.name = name;
        file.fd = std::move(given);
      }
    }
    open(file, name);
  };
  keep(entry->event, record.bodies.event);
  keep(entry->response, record.bodies.response);
  keep(entry->error, record.bodies.error);
}

void Captures::let_go(const InvocationKey& key) {
  if (Entry* entry = find(key)) {
    --entry->tasks;
    remove_if_over(*entry);
  }
}

void Captures::close(const InvocationKey& key) {
  if (Entry* entry = find(key)) {
    entry->closed = true;
    remove_if_over(*entry);
  }
}

const Bodies& Captures::bodies(const TaskRecord& record) {
  Entry* entry = find(record.key);
  if (entry == nullptr) {
    static const Bodies kNone;
    return kNone;
  }
  // Opened in hold(); tried again here where no descriptor was free then.
  open(entry->event, record.bodies.event);
  open(entry->response, record.bodies.response);
  open(entry->error, record.bodies.error);
  struct stat info = {};
  if (entry->event.fd && ::fstat(entry->event.fd.get(), &info) == 0 && info.st_size > 0) {
    entry->bodies.event = entry->event.fd.get();
    entry->bodies.event_bytes = static_cast<std::uint64_t>(info.st_size);
  }
  if (entry->response.fd) {
    const std::string bytes = take_contents(entry->response);
    entry->bodies.response = response_json(
        {bytes, record.bodies.response_has_prelude, record.bodies.response_truncated});
  }
  if (entry->error.fd) {
    entry->bodies.error = error_json(take_contents(entry->error));
  }
  return entry->bodies;
}

Captures::Entry* Captures::find(const InvocationKey& key) {
  const auto found = std::find_if(
      entries_.begin(), entries_.end(), [&key](const Entry& entry) { return entry.key == key; });
  return found == entries_.end() ? nullptr : &*found;
}

void Captures::open(File& file, const std::string& name) const {
  if (file.fd || file.taken || name.empty()) {
    return;
  }
  file.name = name;
  if (auto opened = spool_.open_capture(name)) {
    file.fd = std::move(*opened);
  }
}

/// Empty if it cannot be read. The descriptor is given back: carried work must not use them up.
std::string Captures::take_contents(File& file) {
  file.taken = true;
  const UniqueFd fd = std::move(file.fd);
  return read_all(fd.get(), kMostBodyBytes, file.name).value_or(std::string());
}

void Captures::remove_if_over(Entry& entry) {
  if (!entry.closed || entry.tasks > 0) {
    return;
  }
  for (const File* file : {&entry.event, &entry.response, &entry.error}) {
    if (!file->name.empty()) {
      spool_.remove_capture(file->name);
    }
  }
  entries_.erase(entries_.begin() + (&entry - entries_.data()));
}

}  // namespace postlude::extension
