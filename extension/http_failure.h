#pragma once

#include <string>

namespace postlude::extension {

/// No answer. `why` is for a user's log: it names host and port, never path, query, fields or body.
struct HttpFailure {
  enum class Kind {
    unreachable,  ///< name not resolved, connection refused or broken; worth another attempt
    timed_out,
    refused,  ///< by our rules or its certificate: would end the same way again
    stopped,  ///< by HttpCall::stop
  } kind = Kind::unreachable;
  std::string why;
};

}  // namespace postlude::extension
