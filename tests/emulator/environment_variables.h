#pragma once

#include "tests/emulator/credentials.h"
#include "tests/emulator/options.h"

#include <string>
#include <utility>
#include <vector>

namespace postlude::emulator {

using Variables = std::vector<std::pair<std::string, std::string>>;

struct EnvironmentFacts {
  std::string api;                     ///< host:port
  std::string log_stream;              ///< one an environment
  std::string path;                    ///< the emulator's own PATH
  std::string credentials_token = {};  ///< with SnapStart: what its credentials are asked for with
};

/// What --env gives, else made up ones.
[[nodiscard]] AccessKeys access_keys(const Options& options);

// The two sets of lambda-protocol.md 5. Pure. What --env gives comes last and wins.

[[nodiscard]] Variables runtime_variables(const Options& options, const EnvironmentFacts& facts);
[[nodiscard]] Variables extension_variables(const Options& options, const EnvironmentFacts& facts);

}  // namespace postlude::emulator
