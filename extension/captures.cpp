#include "extension/captures.h"

#include "extension/response_view.h"

#include <sys/stat.h>

#include <algorithm>

namespace postlude::extension {
namespace {

/// The shim keeps 256 KiB of a response, and errors are smaller; anything above is no file of ours.
constexpr std::size_t kMostBodyBytes = std::size_t{1} << 20;

/// Empty for a missing file, and for one that cannot be read.
std::string contents(int fd, std::string_view name) {
  return fd < 0 ? std::string() : read_all(fd, kMostBodyBytes, name).value_or(std::string());
}

}  // namespace

void Captures::hold(const TaskRecord& record) {
  Entry* entry = find(record.key);
  if (entry == nullptr) {
    entry = &entries_.emplace_back();
    entry->key = record.key;
  }
  ++entry->tasks;
  open(*entry, entry->event, record.bodies.event);
  open(*entry, entry->response, record.bodies.response);
  open(*entry, entry->error, record.bodies.error);
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
  if (!entry->read) {
    entry->read = true;
    struct stat info = {};
    if (entry->event.fd && ::fstat(entry->event.fd.get(), &info) == 0 && info.st_size > 0) {
      entry->bodies.event = entry->event.fd.get();
      entry->bodies.event_bytes = static_cast<std::uint64_t>(info.st_size);
    }
    if (entry->response.fd) {
      const std::string bytes = contents(entry->response.fd.get(), entry->response.name);
      entry->bodies.response = response_json(
          {bytes, record.bodies.response_has_prelude, record.bodies.response_truncated});
    }
    if (entry->error.fd) {
      entry->bodies.error = error_json(contents(entry->error.fd.get(), entry->error.name));
    }
  }
  return entry->bodies;
}

Captures::Entry* Captures::find(const InvocationKey& key) {
  const auto found = std::find_if(
      entries_.begin(), entries_.end(), [&key](const Entry& entry) { return entry.key == key; });
  return found == entries_.end() ? nullptr : &*found;
}

void Captures::open(Entry& entry, File& file, const std::string& name) const {
  if (file.fd || name.empty()) {
    return;
  }
  file.name = name;
  if (auto opened = spool_.open_capture(name)) {
    file.fd = std::move(*opened);
    entry.read = false;
  }
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
