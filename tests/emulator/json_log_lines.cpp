#include "tests/emulator/json_log_lines.h"

#include "common/json_text.h"

#include <nlohmann/json.hpp>

#include <chrono>
#include <cmath>

namespace postlude::emulator {
namespace {

std::string record_line(const char* type, const nlohmann::json& record) {
  nlohmann::ordered_json line;
  line["time"] = iso_time(std::chrono::system_clock::now());
  line["type"] = type;
  line["record"] = record;
  return line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string phase_name(InitPhase phase) {
  return phase == InitPhase::init ? "init" : "invoke";
}

nlohmann::json outcome(nlohmann::json record, const std::string& status, const std::string& type) {
  record["status"] = status.empty() ? "success" : status;
  if (!type.empty()) {
    record["errorType"] = type;
  }
  return record;
}

}  // namespace

std::string json_init_start(const InitStart& start) {
  return record_line("platform.initStart",
                     {{"initializationType", start.init_type},
                      {"phase", phase_name(start.phase)},
                      {"runtimeVersion", start.runtime_version},
                      {"functionName", start.function_name},
                      {"functionVersion", "$LATEST"}});
}

std::string json_extension(const Extension& extension) {
  auto events = nlohmann::json::array();
  if (extension.wants_invoke()) {
    events.push_back("INVOKE");
  }
  if (extension.wants_shutdown()) {
    events.push_back("SHUTDOWN");
  }
  return record_line("platform.extension",
                     {{"name", extension.name},
                      {"state", phase_text(extension.phase)},
                      {"events", std::move(events)}});
}

std::string json_init_report(const InitReport& report) {
  return record_line("platform.initReport",
                     outcome({{"initializationType", report.init_type},
                              {"phase", phase_name(report.phase)},
                              {"metrics", {{"durationMs", report.duration.count()}}}},
                             report.status,
                             report.error_type));
}

std::string json_restore_report(const RestoreReport& report) {
  return record_line(
      "platform.restoreReport",
      outcome({{"metrics", {{"durationMs", report.duration.count()}}}}, report.status, {}));
}

std::string json_restore_start(const InitStart& start) {
  return record_line("platform.restoreStart",
                     {{"runtimeVersion", start.runtime_version},
                      {"functionName", start.function_name},
                      {"functionVersion", "$LATEST"}});
}

std::string json_init_runtime_done(const InitReport& report) {
  return record_line(
      "platform.initRuntimeDone",
      outcome({{"initializationType", report.init_type}, {"phase", phase_name(report.phase)}},
              report.status,
              report.error_type));
}

std::string json_restore_runtime_done(const RestoreReport& report) {
  return record_line("platform.restoreRuntimeDone",
                     outcome(nlohmann::json::object(), report.status, {}));
}

std::string json_telemetry_subscription(const std::string& extension,
                                        const TelemetrySubscription& wanted) {
  auto types = nlohmann::json::array();
  for (const TelemetrySource source : wanted.sources) {
    types.push_back(source_name(source));
  }
  return record_line("platform.telemetrySubscription",
                     {{"name", extension}, {"state", "Subscribed"}, {"types", std::move(types)}});
}

std::string json_logs_dropped(std::size_t records, std::size_t bytes) {
  return record_line("platform.logsDropped",
                     {{"reason", "the subscriber did not take them"},
                      {"droppedRecords", records},
                      {"droppedBytes", bytes}});
}

std::string json_output(TelemetrySource source, const std::string& line) {
  return record_line(source_name(source), line);
}

std::string json_start(const std::string& request_id) {
  return record_line("platform.start", {{"requestId", request_id}, {"version", "$LATEST"}});
}

std::string json_runtime_done(const ExecutionReport& report) {
  return record_line(
      "platform.runtimeDone",
      outcome(
          {{"requestId", report.request_id},
           {"metrics",
            {{"durationMs", report.duration.count()}, {"producedBytes", report.produced_bytes}}}},
          report.status,
          report.error_type));
}

std::string json_report(const ExecutionReport& report) {
  nlohmann::json metrics{
      {"durationMs", report.duration.count()},
      {"billedDurationMs", static_cast<long long>(std::ceil(report.duration.count()))},
      {"memorySizeMB", report.memory_size_mb},
      {"maxMemoryUsedMB", report.memory_used_mb}};
  if (report.init_duration) {
    metrics["initDurationMs"] = report.init_duration->count();
  }
  if (report.restore_duration) {
    metrics["restoreDurationMs"] = report.restore_duration->count();
  }
  return record_line("platform.report",
                     outcome({{"requestId", report.request_id}, {"metrics", std::move(metrics)}},
                             report.status,
                             report.error_type));
}

}  // namespace postlude::emulator
