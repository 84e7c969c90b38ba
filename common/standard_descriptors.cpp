#include "common/standard_descriptors.h"

#include <fcntl.h>
#include <unistd.h>

namespace postlude {

void reserve_standard_descriptors() {
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd) {
    if (::fcntl(fd, F_GETFD) < 0) {
      // Takes the lowest free number, which is this one.
      static_cast<void>(::open("/dev/null", O_RDWR | O_CLOEXEC));
    }
  }
}

}  // namespace postlude
