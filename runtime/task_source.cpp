#include "runtime/task_source.h"

#include "common/json_positions.h"
#include "common/unique_fd.h"
#include "runtime/problems.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>

namespace postlude::runtime {
namespace {

constexpr std::string_view kTasksVariable = "POSTLUDE_TASKS";
constexpr std::string_view kDefaultFile = "postlude.json";
/// One more than the parser takes, so that it sees that the limit is passed.
constexpr std::size_t kReadLimit = kMaxPositionedJsonBytes + 1;

Result<std::string> read_all(int fd, std::string_view object) {
  std::string text;
  std::array<char, 16384>
      buffer;  // NOLINT(cppcoreguidelines-pro-type-member-init): read() fills it
  while (text.size() < kReadLimit) {
    const ::ssize_t count = ::read(fd, buffer.data(), buffer.size());
    if (count == 0) {
      break;
    }
    if (count > 0) {
      text.append(buffer.data(), static_cast<std::size_t>(count));
    } else if (errno != EINTR) {
      return errno_failure("read", object);
    }
  }
  text.resize(std::min(text.size(), kReadLimit));
  return text;
}

/// A regular file: a FIFO or device could keep the init waiting.
Result<std::string> read_regular_file(const std::string& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd) {
    return errno_failure("open", in_quotes(path));
  }
  struct ::stat status {};
  if (::fstat(fd.get(), &status) != 0) {
    return errno_failure("stat", in_quotes(path));
  }
  if (!S_ISREG(status.st_mode)) {
    return fail("open " + in_quotes(path) + ": Not a regular file");
  }
  return read_all(fd.get(), in_quotes(path));
}

std::string in_task_root(const Environment& environment, std::string_view path) {
  const std::string_view root = environment.get_or("LAMBDA_TASK_ROOT", {});
  if (path.starts_with('/') || root.empty()) {
    return std::string(path);
  }
  std::string joined(root);
  if (!joined.ends_with('/')) {
    joined.push_back('/');
  }
  return joined.append(path);
}

tl::unexpected<Error> blame_variable(const Error& error, std::string_view hint) {
  return fail(error.code, std::string(kTasksVariable) + ": " + error.message + std::string(hint));
}

Result<std::optional<TaskSource>> read_default_file(const Environment& environment) {
  if (environment.get_or("LAMBDA_TASK_ROOT", {}).empty()) {
    return std::nullopt;
  }
  std::string path = in_task_root(environment, kDefaultFile);
  auto text = read_regular_file(path);
  if (text) {
    return TaskSource{std::move(path), std::move(*text)};
  }
  if (text.error().code == ErrorCode::not_found) {
    return std::nullopt;
  }
  return blame_variable(text.error(), " (read because the variable is not set)");
}

bool is_inline(std::string_view value) {
  const std::size_t first = value.find_first_not_of(" \t\n\r");
  return first != std::string_view::npos && (value[first] == '[' || value[first] == '{');
}

}  // namespace

Result<std::optional<TaskSource>> find_task_source(const Environment& environment) {
  const auto value = environment.find(kTasksVariable);
  if (!value) {
    return read_default_file(environment);
  }
  if (is_inline(*value)) {
    return TaskSource{std::string(kTasksVariable), std::string(*value)};
  }
  if (value->empty()) {
    return fail("POSTLUDE_TASKS: empty, expected tasks or a file path; unset it for no tasks");
  }
  std::string path = in_task_root(environment, *value);
  auto text = read_regular_file(path);
  if (!text) {
    return blame_variable(text.error(), " (tasks themselves begin with [ or {)");
  }
  return TaskSource{std::move(path), std::move(*text)};
}

Result<TaskSource> read_task_source(const std::string& path) {
  if (path == "-") {
    auto text = read_all(STDIN_FILENO, "standard input");
    if (!text) {
      return tl::unexpected<Error>(std::move(text.error()));
    }
    return TaskSource{path, std::move(*text)};
  }
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) {
    return errno_failure("open", in_quotes(path));
  }
  auto text = read_all(fd.get(), in_quotes(path));
  if (!text) {
    return tl::unexpected<Error>(std::move(text.error()));
  }
  return TaskSource{path, std::move(*text)};
}

}  // namespace postlude::runtime
