#include "common/own_program.h"

#include <unistd.h>

#include <array>
#include <string_view>

namespace postlude {

OwnProgram own_program() {
  std::array<char, 4096> path = {};
  const ssize_t size = ::readlink("/proc/self/exe", path.data(), path.size());
  return OwnProgram(
      std::string(std::string_view(path.data(), size > 0 ? static_cast<std::size_t>(size) : 0)));
}

}  // namespace postlude
