#include "extension/captures.h"

#include "extension/response_view.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>

namespace postlude::extension {
namespace {

/// The shim keeps 256 KiB of a response, and errors are smaller; anything above is no file of ours.
constexpr std::size_t kMostBodyBytes = std::size_t{1} << 20;

/// What a body's name begins with; nothing for a file that is none of ours.
std::optional<std::uint64_t> sequence_of(std::string_view file) {
  std::uint64_t sequence = 0;
  const char* end = file.data() + file.size();
  const auto parsed = std::from_chars(file.data(), end, sequence);
  const bool whole = parsed.ec == std::errc{} && parsed.ptr != end && *parsed.ptr == '.';
  return whole ? std::optional(sequence) : std::nullopt;
}

bool unlinked(int fd) {
  struct stat info = {};
  return ::fstat(fd, &info) == 0 && info.st_nlink == 0;
}

bool copy(int from, int to, const std::string& name) {
  std::array<char, std::size_t{64} << 10> block;
  off_t offset = 0;
  while (true) {
    const ssize_t size = ::pread(from, block.data(), block.size(), offset);
    if (size < 0 && errno == EINTR) {
      continue;
    }
    if (size <= 0) {
      return size == 0;
    }
    if (!write_all(to, {block.data(), static_cast<std::size_t>(size)}, name)) {
      return false;
    }
    offset += size;
  }
}

}  // namespace

void Captures::hold(const TaskRecord& record, std::vector<UniqueFd> files) {
  Entry& entry = entries_[record.key.sequence];
  ++entry.tasks;
  auto next = files.begin();
  const auto take = [&](File& file, const std::string& name) {
    UniqueFd given = !name.empty() && next != files.end() ? std::move(*next++) : UniqueFd();
    keep(file, name, std::move(given));
  };
  take(entry.event, record.bodies.event);
  take(entry.response, record.bodies.response);
  take(entry.error, record.bodies.error);
}

void Captures::hold_replayed(const TaskRecord& record) {
  hold(record);
  entries_[record.key.sequence].closed = true;
}

void Captures::let_go(const InvocationKey& key) {
  const auto found = entries_.find(key.sequence);
  if (found != entries_.end()) {
    --found->second.tasks;
    remove_if_over(key.sequence);
  }
}

void Captures::close(const InvocationKey& key) {
  const auto found = entries_.find(key.sequence);
  if (found != entries_.end()) {
    found->second.closed = true;
    remove_if_over(key.sequence);
  }
  std::erase_if(unclaimed_, [&](const auto& orphan) {
    const auto& [sequence, file] = orphan;
    if (sequence <= key.sequence && !needed(sequence, file)) {
      spool_.remove_capture(file);
    }
    return sequence <= key.sequence;
  });
}

Bodies Captures::bodies(const TaskRecord& record) {
  Bodies bodies;
  const auto found = entries_.find(record.key.sequence);
  if (found == entries_.end()) {
    return bodies;
  }
  Entry* const entry = &found->second;
  // Kept in hold(); tried again here where no descriptor was free then.
  keep(entry->event, record.bodies.event, {});
  keep(entry->response, record.bodies.response, {});
  keep(entry->error, record.bodies.error, {});
  if (!entry->event.name.empty()) {
    bodies.event = duplicate(entry->event);
    struct stat info = {};
    if (bodies.event && ::fstat(bodies.event.get(), &info) == 0 && info.st_size > 0) {
      bodies.event_bytes = static_cast<std::uint64_t>(info.st_size);
    } else {
      bodies.missing = !bodies.event;
      bodies.event.reset();
    }
  }
  if (!entry->response.name.empty() && !entry->response_json) {
    if (const auto bytes = contents(entry->response)) {
      entry->response_json = response_json(
          {*bytes, record.bodies.response_has_prelude, record.bodies.response_truncated});
    }
  }
  if (!entry->error.name.empty() && !entry->error_json) {
    if (const auto bytes = contents(entry->error)) {
      entry->error_json = error_json(*bytes);
    }
  }
  bodies.missing = bodies.missing || (!entry->response.name.empty() && !entry->response_json) ||
                   (!entry->error.name.empty() && !entry->error_json);
  bodies.response = entry->response_json.value_or("null");
  bodies.error = entry->error_json.value_or("null");
  return bodies;
}

void Captures::remove_orphans() {
  const auto files = spool_.captures();
  if (!files) {
    return;
  }
  for (const std::string& file : *files) {
    const auto sequence = sequence_of(file);
    if (!sequence || needed(*sequence, file)) {
      continue;
    }
    if (*sequence < numbers_of_generation(spool_.generation())) {
      spool_.remove_capture(file);
    } else {
      unclaimed_.emplace_back(*sequence, file);
    }
  }
}

void Captures::write_again() {
  for (auto& [sequence, entry] : entries_) {
    for (File* file : {&entry.event, &entry.response, &entry.error}) {
      if (file->fd && unlinked(file->fd.get())) {
        write_again(*file);
      }
    }
  }
}

/// Where that fails the body is missing for a later process, not for this one.
void Captures::write_again(File& file) {
  if (spool_.open_capture(file.name)) {
    return;  // the shim was quicker
  }
  auto again = spool_.create_capture(file.name);
  if (!again) {
    return;
  }
  if (copy(file.fd.get(), again->get(), file.name)) {
    file.fd = std::move(*again);
  } else {
    spool_.remove_capture(file.name);
  }
}

void Captures::keep(File& file, const std::string& name, UniqueFd given) {
  if (name.empty() || file.fd) {
    return;
  }
  file.name = name;
  if (open_ >= kMostOpen) {
    return;
  }
  if (!given) {
    if (auto opened = spool_.open_capture(name)) {
      given = std::move(*opened);
    }
  }
  file.fd = std::move(given);
  open_ += file.fd ? 1U : 0U;
}

/// None if it cannot be opened.
UniqueFd Captures::duplicate(const File& file) const {
  if (file.fd) {
    return UniqueFd(::fcntl(file.fd.get(), F_DUPFD_CLOEXEC, 0));
  }
  auto opened = spool_.open_capture(file.name);
  return opened ? std::move(*opened) : UniqueFd();
}

std::optional<std::string> Captures::contents(const File& file) const {
  const UniqueFd fd = duplicate(file);
  if (!fd) {
    return std::nullopt;
  }
  auto bytes = read_all(fd.get(), kMostBodyBytes, file.name);
  return bytes ? std::optional(std::move(*bytes)) : std::nullopt;
}

bool Captures::needed(std::uint64_t sequence, const std::string& file) const {
  const auto found = entries_.find(sequence);
  if (found == entries_.end()) {
    return false;
  }
  const Entry& entry = found->second;
  return entry.event.name == file || entry.response.name == file || entry.error.name == file;
}

void Captures::remove_if_over(std::uint64_t sequence) {
  const Entry& entry = entries_.at(sequence);
  if (!entry.closed || entry.tasks > 0) {
    return;
  }
  for (const File* file : {&entry.event, &entry.response, &entry.error}) {
    if (!file->name.empty()) {
      spool_.remove_capture(file->name);
    }
    open_ -= file->fd ? 1U : 0U;
  }
  entries_.erase(sequence);
}

}  // namespace postlude::extension
