#pragma once

#include "tests/emulator/extension_registry.h"
#include "tests/emulator/log_lines.h"

#include <string>

namespace postlude::emulator {

// The platform's records where the function's log format is JSON (lambda-protocol.md 6.4, the
// records of 3.8): {"time":...,"type":"platform.start","record":{...}}, without a line feed.

[[nodiscard]] std::string json_init_start(const InitStart& start);
[[nodiscard]] std::string json_extension(const Extension& extension);
[[nodiscard]] std::string json_init_report(const InitReport& report);
[[nodiscard]] std::string json_restore_report(const RestoreReport& report);
[[nodiscard]] std::string json_start(const std::string& request_id);
[[nodiscard]] std::string json_runtime_done(const ExecutionReport& report);
[[nodiscard]] std::string json_report(const ExecutionReport& report);

}  // namespace postlude::emulator
