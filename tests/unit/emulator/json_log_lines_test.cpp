#include "tests/emulator/json_log_lines.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

using namespace postlude::emulator;  // NOLINT(google-build-using-namespace)

TEST_CASE("a JSON record has a time, a type and the platform's members") {
  const auto line = nlohmann::json::parse(json_start("id-1"));
  CHECK(line.at("time").get<std::string>().size() == 24);
  CHECK(line.at("time").get<std::string>().back() == 'Z');
  CHECK(line.at("type") == "platform.start");
  CHECK(line.at("record") == nlohmann::json{{"requestId", "id-1"}, {"version", "$LATEST"}});
}

TEST_CASE("a JSON report has metrics and a status, and an error's type only where there is one") {
  ExecutionReport report{.request_id = "id-1",
                         .duration = Milliseconds(2.5),
                         .memory_size_mb = 128,
                         .memory_used_mb = 36,
                         .init_duration = std::nullopt,
                         .status = {},
                         .error_type = {}};
  const auto good = nlohmann::json::parse(json_report(report)).at("record");
  CHECK(good == nlohmann::json{{"requestId", "id-1"},
                               {"status", "success"},
                               {"metrics",
                                {{"durationMs", 2.5},
                                 {"billedDurationMs", 3},
                                 {"memorySizeMB", 128},
                                 {"maxMemoryUsedMB", 36}}}});
  report.status = "error";
  report.error_type = "Runtime.ExitError";
  report.init_duration = Milliseconds(10);
  report.restore_duration = Milliseconds(20);
  const auto bad = nlohmann::json::parse(json_report(report)).at("record");
  CHECK(bad.at("status") == "error");
  CHECK(bad.at("errorType") == "Runtime.ExitError");
  CHECK(bad.at("metrics").at("initDurationMs") == 10);
  CHECK(bad.at("metrics").at("restoreDurationMs") == 20);
  const auto done = nlohmann::json::parse(json_runtime_done(report));
  CHECK(done.at("type") == "platform.runtimeDone");
  CHECK(done.at("record").at("status") == "error");
}

TEST_CASE("JSON records of an init tell its phase and the extensions") {
  const auto start = nlohmann::json::parse(json_init_start({.runtime_version = "v",
                                                            .region = "r",
                                                            .function_name = "f",
                                                            .init_type = "on-demand",
                                                            .phase = InitPhase::invoke}));
  CHECK(start.at("type") == "platform.initStart");
  CHECK(start.at("record").at("phase") == "invoke");
  CHECK(start.at("record").at("initializationType") == "on-demand");
  const auto extension = nlohmann::json::parse(json_extension({.name = "outside",
                                                               .id = {},
                                                               .kind = ExtensionKind::external,
                                                               .phase = ExtensionPhase::ready,
                                                               .events = Subscription::both}));
  CHECK(extension.at("record") == nlohmann::json{{"name", "outside"},
                                                 {"state", "Ready"},
                                                 {"events", {"INVOKE", "SHUTDOWN"}}});
  const auto report = nlohmann::json::parse(json_init_report({.duration = Milliseconds(7),
                                                              .phase = InitPhase::init,
                                                              .status = "timeout",
                                                              .error_type = {},
                                                              .init_type = "snap-start"}));
  CHECK(report.at("record").at("status") == "timeout");
  CHECK(report.at("record").at("metrics").at("durationMs") == 7);
}
