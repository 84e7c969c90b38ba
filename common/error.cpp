#include "common/error.h"

#include <system_error>

namespace postlude {
namespace {

ErrorCode code_of(int error_number) {
  switch (error_number) {
    case ENOENT:
      return ErrorCode::not_found;
    case EEXIST:
      return ErrorCode::exists;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
      return ErrorCode::no_space;
    case EAGAIN:
      return ErrorCode::would_block;
    case EPIPE:
    case ECONNRESET:
      return ErrorCode::closed;
    default:
      return ErrorCode::failed;
  }
}

}  // namespace

Error errno_error(std::string_view operation, std::string_view object, int error_number) {
  std::string message(operation);
  if (!object.empty()) {
    message.append(" ").append(object);
  }
  message.append(": ").append(std::generic_category().message(error_number));
  return Error{code_of(error_number), std::move(message)};
}

}  // namespace postlude
