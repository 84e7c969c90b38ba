#include "common/environment_file.h"

#include "common/spool.h"

#include <sys/mman.h>

#include <utility>
#include <vector>

namespace postlude {
namespace {

// No variable has a NUL: the kernel ends it there.
constexpr char kEnd = '\0';

}  // namespace

Result<UniqueFd> environment_to_file(const Environment& environment) {
  std::string text;
  for (const auto& [name, value] : environment.variables()) {
    text.append(name).append("=").append(value).push_back(kEnd);
  }
  UniqueFd file(::memfd_create("postlude-environment", MFD_CLOEXEC));
  if (!file) {
    return errno_failure("create", "a file for the environment");
  }
  if (auto written = write_all(file.get(), text, "the environment"); !written) {
    return tl::unexpected(written.error());
  }
  return file;
}

Result<Environment> environment_from_file(int fd) {
  const auto text = read_all(fd, kMaxEnvironmentBytes, "the environment");
  if (!text) {
    return tl::unexpected(text.error());
  }
  std::vector<std::pair<std::string, std::string>> variables;
  for (std::size_t at = 0; at < text->size();) {
    const std::size_t end = text->find(kEnd, at);
    const std::size_t equals = text->find('=', at);
    if (end == std::string::npos || equals == std::string::npos || equals > end) {
      return fail("the environment: a variable without its end");
    }
    variables.emplace_back(text->substr(at, equals - at),
                           text->substr(equals + 1, end - equals - 1));
    at = end + 1;
  }
  return Environment(std::move(variables));
}

}  // namespace postlude
