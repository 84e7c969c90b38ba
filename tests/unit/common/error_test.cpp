#include "common/error.h"

#include <doctest/doctest.h>

using namespace postlude;

TEST_CASE("an error of the system names operation, object and reason") {
  const Error error = errno_error("open", "/tmp/x", EACCES);
  CHECK(error.message == "open /tmp/x: Permission denied");
  CHECK(error.code == ErrorCode::failed);
  CHECK(errno_error("fork", "", EAGAIN).message == "fork: Resource temporarily unavailable");
}

TEST_CASE("errors that callers treat in a way of their own have a code") {
  CHECK(errno_error("x", "", ENOENT).code == ErrorCode::not_found);
  CHECK(errno_error("x", "", ENOSPC).code == ErrorCode::no_space);
  CHECK(errno_error("x", "", EDQUOT).code == ErrorCode::no_space);
  CHECK(errno_error("x", "", EFBIG).code == ErrorCode::no_space);
  CHECK(errno_error("x", "", EEXIST).code == ErrorCode::exists);
  CHECK(errno_error("x", "", EAGAIN).code == ErrorCode::would_block);
  CHECK(errno_error("x", "", EPIPE).code == ErrorCode::closed);
  CHECK(errno_error("x", "", ECONNRESET).code == ErrorCode::closed);
}
