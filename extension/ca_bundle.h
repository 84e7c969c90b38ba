#pragma once

#include "common/environment.h"
#include "common/error.h"

#include <string>

namespace postlude::extension {

/// The file with the certificates of the authorities that are trusted: SSL_CERT_FILE if it is set
/// and not empty, also where there is no such file (TLS calls then fail and name it), else the
/// first that exists where Amazon Linux and Debian keep theirs. Empty if there is none.
[[nodiscard]] std::string find_ca_bundle(const Environment& environment);

/// The second half of it.
[[nodiscard]] std::string system_ca_bundle();

}  // namespace postlude::extension
