#pragma once

#include "common/error.h"
#include "common/unique_fd.h"

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace postlude {

/// All that the spool asks of a file system, and no decision: the simulator links a directory in
/// memory in place of spool_files.cpp. Paths are absolute. Symbolic links in the last component
/// are not followed but by look_through(). Errors name the operation and the path; their codes are
/// ErrorCode::not_found, exists, no_space, and failed for everything else. Any thread may call.
namespace spool_files {

enum class Kind { file, folder, other };

struct Entry {
  std::string name;
  Kind kind = Kind::other;
};

struct About {
  Kind kind = Kind::other;
  uid_t owner = 0;
};

struct Usage {
  std::size_t files = 0;
  std::uint64_t bytes = 0;  ///< lengths, not blocks
};

/// Without "." and "..", in no order.
[[nodiscard]] Result<std::vector<Entry>> list(const std::string& folder);
[[nodiscard]] Result<About> look(const std::string& path);
/// The same, of what a symbolic link leads to.
[[nodiscard]] Result<About> look_through(const std::string& path);
/// Of all regular files directly in the folder.
[[nodiscard]] Result<Usage> measure(const std::string& folder);

/// Private to the user (0700); exists if anything has that name.
[[nodiscard]] Result<void> make_folder(const std::string& path);
/// Only an empty one.
[[nodiscard]] Result<void> remove_folder(const std::string& path);

/// A new file (0600), readable and writable; exists if anything has that name.
[[nodiscard]] Result<UniqueFd> create(const std::string& path);
/// For reading; never waits, whatever has that name.
[[nodiscard]] Result<UniqueFd> open(const std::string& path);
[[nodiscard]] Result<void> rename(const std::string& from, const std::string& to);
/// No folder.
[[nodiscard]] Result<void> remove(const std::string& path);

/// A process that runs as this user: who may own what we trust.
[[nodiscard]] uid_t own_user();

}  // namespace spool_files

/// Writes everything to a file descriptor. EINTR and short counts are handled.
[[nodiscard]] Result<void> write_all(int fd, std::string_view bytes, std::string_view object);

/// The whole of a file that is at most `limit` bytes long, wherever its offset is.
[[nodiscard]] Result<std::string> read_all(int fd, std::size_t limit, std::string_view object);

}  // namespace postlude
