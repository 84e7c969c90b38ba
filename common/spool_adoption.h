#pragma once

#include "common/spool_files.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace postlude {

/// How a new generation takes over what older ones left behind. Pure; spool_generations.h carries
/// it out, SPOOL.md says why it may stop anywhere.

/// Six digits, so that the numbers that come of it (numbers_of_generation) stay below 2^53, which
/// every reader of JSON can hold.
inline constexpr std::uint64_t kMostGenerations = 999999;

[[nodiscard]] std::string generation_folder(std::uint64_t generation);
/// Nothing for a name that generation_folder() does not give.
[[nodiscard]] std::optional<std::uint64_t> generation_number(std::string_view name);

struct OldGeneration {
  std::uint64_t number = 0;
  std::vector<spool_files::Entry> entries;
};

struct AdoptionStep {
  enum class Kind {
    take_over,      ///< rename the file into the new generation's folder
    remove,         ///< the file is a leftover
    remove_folder,  ///< the older generation's, which should be empty by now
  };
  Kind kind = Kind::remove;
  std::uint64_t generation = 0;  ///< which has it now
  std::string file = {};

  friend bool operator==(const AdoptionStep&, const AdoptionStep&) = default;
};

/// Records and captured bodies are taken over, half-written and damaged records are removed, and
/// what is no file of ours stays where it is. Where two generations have a record of the same
/// number (a stale process wrote it again), the newer one's counts.
[[nodiscard]] std::vector<AdoptionStep> plan_adoption(std::vector<OldGeneration> generations);

}  // namespace postlude
