#include "tests/emulator/log_lines.h"

#include <doctest/doctest.h>

using namespace postlude::emulator;  // NOLINT(google-build-using-namespace)

TEST_CASE("the platform's lines have the platform's form") {
  CHECK(start_line("id") == "START RequestId: id Version: $LATEST");
  CHECK(end_line("id") == "END RequestId: id");
  CHECK(report_line({.request_id = "id",
                     .duration = Milliseconds(3.011),
                     .memory_size_mb = 128,
                     .memory_used_mb = 36,
                     .init_duration = Milliseconds(110.1),
                     .status = {},
                     .error_type = {}}) ==
        "REPORT RequestId: id\tDuration: 3.01 ms\tBilled Duration: 4 ms\tMemory Size: 128 MB\t"
        "Max Memory Used: 36 MB\tInit Duration: 110.10 ms\t");
  CHECK(report_line({.request_id = "id",
                     .duration = Milliseconds(1),
                     .memory_size_mb = 128,
                     .memory_used_mb = 36,
                     .init_duration = {},
                     .restore_duration = Milliseconds(365.45),
                     .status = {},
                     .error_type = {}})
            .ends_with("Max Memory Used: 36 MB\tRestore Duration: 365.45 ms\t"));
  CHECK(report_line({.request_id = "id",
                     .duration = Milliseconds(3000),
                     .memory_size_mb = 128,
                     .memory_used_mb = 36,
                     .init_duration = {},
                     .status = "error",
                     .error_type = "Runtime.ExitError"}) ==
        "REPORT RequestId: id\tDuration: 3000.00 ms\tBilled Duration: 3000 ms\tMemory Size: 128 "
        "MB\tMax Memory Used: 36 MB\tStatus: error\tError Type: Runtime.ExitError");
  CHECK(init_report_line({.duration = Milliseconds(9.5),
                          .phase = InitPhase::init,
                          .status = "timeout",
                          .error_type = {}}) ==
        "INIT_REPORT Init Duration: 9.50 ms\tPhase: init\tStatus: timeout");
  const Extension extension{.name = "e",
                            .id = {},
                            .kind = ExtensionKind::external,
                            .phase = ExtensionPhase::ready,
                            .events = Subscription::both};
  CHECK(extension_line(extension) == "EXTENSION\tName: e\tState: Ready\tEvents: [INVOKE,SHUTDOWN]");
}

TEST_CASE("a timeout line carries time, id and the timeout in seconds") {
  const std::chrono::system_clock::time_point time{std::chrono::milliseconds{1'775'516'174'092}};
  CHECK(timeout_line(time, "id", std::chrono::milliseconds{1500}) ==
        "2026-04-06T22:56:14.092Z id Task timed out after 1.50 seconds");
}

TEST_CASE("an init that went well is reported without a status, and so is a restore") {
  CHECK(init_report_line({.duration = Milliseconds(110.1),
                          .phase = InitPhase::init,
                          .status = {},
                          .error_type = {}}) ==
        "INIT_REPORT Init Duration: 110.10 ms\tPhase: init");
  CHECK(restore_report_line({.duration = Milliseconds(5), .status = {}}) ==
        "RESTORE_REPORT Restore Duration: 5.00 ms");
  CHECK(restore_report_line({.duration = Milliseconds(10'000), .status = "timeout"}) ==
        "RESTORE_REPORT Restore Duration: 10000.00 ms\tStatus: timeout");
}
