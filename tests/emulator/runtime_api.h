#pragma once

#include "tests/emulator/environment_api.h"

namespace postlude::emulator {

/// The routes below /2018-06-01/runtime/ and what belongs to them (lambda-protocol.md 1), on one
/// connection's thread. Answers on the connection; false: the connection must end.
[[nodiscard]] bool serve_runtime_api(const ApiRequest& request);

/// The routes below /2020-01-01/extension/ and the telemetry stubs (lambda-protocol.md 3).
[[nodiscard]] bool serve_extensions_api(const ApiRequest& request);

}  // namespace postlude::emulator
