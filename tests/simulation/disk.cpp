#include "tests/simulation/disk.h"

#include "common/spool_format.h"

#include <fmt/format.h>

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <utility>

namespace postlude::simulation {
namespace {

namespace fs = std::filesystem;

/// Memory where there is some: a schedule writes dozens of small files.
std::string base_folder() {
  const fs::path memory = "/dev/shm";
  std::error_code problem;
  const fs::path base = fs::is_directory(memory, problem) && ::access("/dev/shm", W_OK) == 0
                            ? memory
                            : fs::temp_directory_path();
  return fmt::format("{}/postlude-simulation-{}", base.string(), ::getpid());
}

bool is_record(std::string_view path) {
  return path.ends_with(".task");
}

std::optional<RecordName> name_in(std::string_view path) {
  return parse_record_name(path.substr(path.rfind('/') + 1));
}

/// The first member of a record is its id.
std::string id_in(const std::string& path) {
  std::ifstream file(path);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  constexpr std::string_view kBegin = R"({"id":")";
  const std::size_t end = text.find('"', kBegin.size());
  return text.starts_with(kBegin) && end != std::string::npos
             ? text.substr(kBegin.size(), end - kBegin.size())
             : std::string();
}

}  // namespace

Disk::Disk(Events events) : events_(std::move(events)), root_(base_folder()) {
  fs::remove_all(root_);
  fs::create_directories(root_);
}

Disk::~Disk() {
  std::error_code ignored;
  fs::remove_all(root_, ignored);
}

void Disk::wipe() {
  wiped_ = true;
  for (const auto& entry : fs::directory_iterator(root_)) {
    fs::remove_all(entry.path());
  }
  for (const auto& [path, id] : std::exchange(records_, {})) {
    events_.wiped(id);
  }
}

void Disk::forget_unplaced() {
  std::vector<fs::path> unplaced;
  for (const auto& entry : fs::recursive_directory_iterator(root_)) {
    if (entry.path().extension() == ".new") {
      unplaced.push_back(entry.path());
    }
  }
  for (const fs::path& path : unplaced) {
    fs::remove(path);
  }
}

std::string Disk::earlier_than(const std::string& id) const {
  const auto own = std::find_if(
      records_.begin(), records_.end(), [&id](const auto& record) { return record.second == id; });
  if (own == records_.end()) {
    return "";
  }
  const std::string folder = own->first.substr(0, own->first.rfind('/') + 1);
  const std::uint64_t number = name_in(own->first)->number;
  for (const auto& [path, other] : records_) {
    const auto name = name_in(path);
    if (name && name->mark == RecordMark::waiting && name->number < number &&
        path.starts_with(folder)) {
      return other;
    }
  }
  return "";
}

std::vector<Disk::Run> Disk::running() const {
  std::vector<Run> runs;
  for (const auto& [path, id] : records_) {
    const auto name = name_in(path);
    if (name && name->mark == RecordMark::running) {
      runs.push_back({id, name->attempts});
    }
  }
  return runs;
}

std::multiset<std::string> Disk::records() const {
  std::multiset<std::string> ids;
  for (const auto& [path, id] : records_) {
    ids.insert(id);
  }
  return ids;
}

void Disk::renamed(const std::string& from, const std::string& to) {
  auto record = records_.extract(from);
  if (!record.empty() && is_record(to)) {
    record.key() = to;
    records_.insert(std::move(record));
    return;
  }
  if (!record.empty()) {
    events_.removed(record.mapped());
  } else if (is_record(to)) {
    const std::string id = id_in(to);
    records_[to] = id;
    events_.placed(id);
  }
}

void Disk::unlinked(const std::string& path) {
  const auto record = records_.extract(path);
  if (!record.empty()) {
    events_.removed(record.mapped());
  }
}

}  // namespace postlude::simulation
