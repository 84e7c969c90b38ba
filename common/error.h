#pragma once

#include <tl/expected.hpp>

#include <cerrno>
#include <string>
#include <string_view>

namespace postlude {

/// A code exists only where some caller branches on it.
enum class ErrorCode {
  failed,       ///< nobody treats it in a way of its own
  closed,       ///< the other side of a connection is gone
  would_block,  ///< try again when the descriptor is ready
  not_found,    ///< the file or record does not exist (any more)
  exists,       ///< something has that name already
  no_space,     ///< a limit or the disk is full; nothing was kept
};

/// What went wrong, in words a user can act on: operation, object, reason.
struct Error {
  ErrorCode code = ErrorCode::failed;
  std::string message;
};

template <class T>
using Result = tl::expected<T, Error>;

[[nodiscard]] inline tl::unexpected<Error> fail(std::string message) {
  return tl::unexpected<Error>(Error{ErrorCode::failed, std::move(message)});
}

[[nodiscard]] inline tl::unexpected<Error> fail(ErrorCode code, std::string message) {
  return tl::unexpected<Error>(Error{code, std::move(message)});
}

/// "connect /run/x: Connection refused". ENOENT, EEXIST, ENOSPC, EDQUOT, EFBIG, EAGAIN, EPIPE and
/// ECONNRESET become the codes above.
[[nodiscard]] Error errno_error(std::string_view operation,
                                std::string_view object,
                                int error_number = errno);

[[nodiscard]] inline tl::unexpected<Error> errno_failure(std::string_view operation,
                                                         std::string_view object,
                                                         int error_number = errno) {
  return tl::unexpected<Error>(errno_error(operation, object, error_number));
}

}  // namespace postlude
