#pragma once

#include "tests/emulator/environment_api.h"
#include "tests/emulator/runtime_state.h"

namespace postlude::emulator {

/// POST .../{id}/response: takes the result in, buffered or streaming, settles the invocation and
/// answers the runtime. False: the connection must end.
[[nodiscard]] bool take_response(const ApiRequest& request, const AnswerIds& ids);

/// POST .../{id}/error.
[[nodiscard]] bool take_error(const ApiRequest& request, const AnswerIds& ids);

}  // namespace postlude::emulator
