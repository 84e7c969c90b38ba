#include "tests/emulator/write_all.h"

#include <unistd.h>

#include <cerrno>
#include <cstddef>

namespace postlude::emulator {

void write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno != EINTR) {
      return;
    }
    bytes.remove_prefix(static_cast<std::size_t>(written > 0 ? written : 0));
  }
}

}  // namespace postlude::emulator
