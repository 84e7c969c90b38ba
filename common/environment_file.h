#pragma once

#include "common/environment.h"
#include "common/error.h"
#include "common/unique_fd.h"

namespace postlude {

/// Environments are a few KiB (Lambda allows 4 KiB of a function's own); a file this large is none.
inline constexpr std::size_t kMaxEnvironmentBytes = std::size_t{1} << 20;

/// An environment as a file without a name, to be handed to another process: what it holds passes
/// through no message and stands in no folder, because credentials are in it.
[[nodiscard]] Result<UniqueFd> environment_to_file(const Environment& environment);

/// Reads what environment_to_file() wrote, from its start, wherever the descriptor stands.
[[nodiscard]] Result<Environment> environment_from_file(int fd);

}  // namespace postlude
