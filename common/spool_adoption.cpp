#include "common/spool_adoption.h"

#include "common/spool_format.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <set>

namespace postlude {
namespace {

/// What was taken over already, from newer generations.
class Taken {
 public:
  /// False where a newer generation has it.
  [[nodiscard]] bool add(const std::string& file) {
    const auto record = parse_record_name(file);
    return record ? records_.insert(record->number).second : bodies_.insert(file).second;
  }

 private:
  std::set<std::uint64_t> records_;
  std::set<std::string> bodies_;
};

void plan_generation(const OldGeneration& old, Taken& taken, std::vector<AdoptionStep>& steps) {
  using Kind = AdoptionStep::Kind;
  for (const spool_files::Entry& entry : old.entries) {
    if (entry.kind != spool_files::Kind::file) {
      continue;
    }
    if (parse_record_name(entry.name) || is_capture_name(entry.name)) {
      const bool newest = taken.add(entry.name);
      steps.push_back({newest ? Kind::take_over : Kind::remove, old.number, entry.name});
    } else if (is_record_leftover(entry.name)) {
      steps.push_back({Kind::remove, old.number, entry.name});
    }
  }
  steps.push_back({Kind::remove_folder, old.number});
}

}  // namespace

std::string generation_folder(std::uint64_t generation) {
  return fmt::format("{:06}", generation);
}

std::optional<std::uint64_t> generation_number(std::string_view name) {
  std::uint64_t number = 0;
  const char* end = name.data() + name.size();
  const auto parsed = std::from_chars(name.data(), end, number);
  const bool valid = parsed.ec == std::errc{} && parsed.ptr == end && number > 0 &&
                     number <= kMostGenerations && generation_folder(number) == name;
  return valid ? std::optional(number) : std::nullopt;
}

std::vector<AdoptionStep> plan_adoption(std::vector<OldGeneration> generations) {
  std::sort(generations.begin(),
            generations.end(),
            [](const OldGeneration& left, const OldGeneration& right) {
              return left.number > right.number;
            });
  std::vector<AdoptionStep> steps;
  Taken taken;
  for (const OldGeneration& old : generations) {
    plan_generation(old, taken, steps);
  }
  return steps;
}

}  // namespace postlude
