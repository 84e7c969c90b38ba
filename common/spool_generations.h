#pragma once

#include "common/error.h"
#include "common/spool_adoption.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace postlude {

/// What a new generation found.
struct Adoption {
  std::size_t files = 0;   ///< records and bodies that it took over
  std::size_t failed = 0;  ///< what could not be; it stays as it is, for the next generation
  std::optional<Error> problem = {};  ///< the first one; also where its own folder has no room yet
};

struct Generation {
  std::uint64_t number = 0;
  Adoption adoption;
};

/// Makes every folder on the way; one that exists is fine. An absolute path.
[[nodiscard]] Result<void> make_folders(const std::string& folder);

/// Makes the next generation in "<root>/<environment>", and takes over what older ones left. Two
/// processes never get the same one. Where the disk is too full for a folder, the generation has
/// its number all the same, and a problem: writing makes the folder as soon as there is room.
///
/// Records are commands to run: `root` has to belong to this user or to root (so does a link that
/// leads to it), and the environment's folder has to be a folder of this user.
[[nodiscard]] Result<Generation> begin_generation(const std::string& root,
                                                  const std::string& environment);

/// One step of plan_adoption(). What is gone already is fine.
[[nodiscard]] Result<void> carry_out(const AdoptionStep& step,
                                     const std::string& environment,
                                     std::uint64_t own_generation);

}  // namespace postlude
