#include "tests/emulator/execution_environment.h"

#include "tests/emulator/extension_registry.h"
#include "tests/emulator/json_log_lines.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <ctime>
#include <filesystem>
#include <utility>

namespace postlude::emulator {
namespace {

std::string new_log_stream() {
  std::string hex = new_uuid();
  std::erase(hex, '-');
  return fmt::format("{:%Y/%m/%d}/[$LATEST]{}", fmt::gmtime(std::time(nullptr)), hex);
}

}  // namespace

Result<std::unique_ptr<ExecutionEnvironment>> ExecutionEnvironment::start(const World& world,
                                                                          int number) {
  std::unique_ptr<ExecutionEnvironment> environment(new ExecutionEnvironment(world, number));
  if (auto opened = environment->open(); !opened) {
    return tl::unexpected(opened.error());
  }
  environment->accepting_ = true;
  ExecutionEnvironment* self = environment.get();
  environment->thread_ = std::jthread([self] { self->run(); });
  return environment;
}

ExecutionEnvironment::ExecutionEnvironment(World world, int number)
    : world_(std::move(world)),
      number_(number),
      log_stream_(new_log_stream()),
      log_([this](TelemetrySource source, const std::string& line) {
        if (world_.options.timeline == TimelineOf::each_invocation) {
          task_times_.saw(line);
        }
        if (telemetry_.wanted(source)) {
          telemetry_.publish(source, json_output(source, line));
        }
      }),
      platform_log_({log_, telemetry_, world_.options.log_format}) {
  api_settings_ = {.event_framing = world_.options.event_framing,
                   .init_type = world_.options.init_type,
                   .function_name = world_.options.function_name,
                   .handler = world_.options.handler,
                   .account_id = world_.options.account_id,
                   .access_keys = access_keys(world_.options),
                   .credentials_token = new_uuid(),
                   .acknowledge_delay = world_.options.acknowledge_delay,
                   .faults = &faults_,
                   .telemetry = &telemetry_};
}

Result<void> ExecutionEnvironment::open() {
  auto listener = HttpListener::start(0, [this](HttpConnection& connection) {
    serve_environment_api(
        connection, [this] { return current_generation(); }, api_settings_);
  });
  if (!listener) {
    return tl::unexpected(listener.error());
  }
  listener_ = std::move(*listener);
  SandboxSetup setup{.function_log = log_.function_end(),
                     .extension_log = log_.extensions_end(),
                     .api_port = listener_->port()};
  if (world_.options.memory_limit == MemoryLimit::enforced) {
    constexpr std::size_t kMegabyte = std::size_t{1} << 20;
    setup.memory_bytes = static_cast<std::size_t>(world_.options.memory_mb) * kMegabyte;
  }
  if (world_.options.tmp == TmpFolder::private_folder) {
    private_tmp_ = world_.options.tmp_root + "/" + std::to_string(number_);
    std::error_code error;
    std::filesystem::create_directories(private_tmp_, error);
    std::filesystem::permissions(private_tmp_, std::filesystem::perms::all, error);
    setup.private_tmp = {private_tmp_,
                         world_.options.function_dir,
                         world_.options.layer_dir,
                         std::filesystem::current_path(error).string()};
    setup.private_tmp.insert(setup.private_tmp.end(),
                             world_.options.keep_visible.begin(),
                             world_.options.keep_visible.end());
  }
  setup.on_exit = [this](const std::string& who, ExitStatus status) {
    if (auto generation = current_generation()) {
      generation->process_exited(who, status);
    }
  };
  auto sandbox = Sandbox::start(std::move(setup));
  if (!sandbox) {
    return tl::unexpected(sandbox.error());
  }
  sandbox_ = std::move(*sandbox);
  freezer_ = std::make_unique<Freezer>(*sandbox_, world_.options.idle_connections);
  return {};
}

ExecutionEnvironment::~ExecutionEnvironment() {
  stop();
  if (thread_.joinable()) {
    thread_.join();
  }
  sandbox_.reset();
  listener_.reset();
  if (!private_tmp_.empty()) {
    std::error_code error;
    std::filesystem::remove_all(private_tmp_, error);
  }
}

std::shared_ptr<Generation> ExecutionEnvironment::current_generation() {
  const std::lock_guard lock(monitor_.mutex);
  return generation_;
}

bool ExecutionEnvironment::try_assign(const std::shared_ptr<Invocation>& invocation, Fit fit) {
  if (world_.options.init_type == InitType::managed_instances) {
    return try_assign_managed(invocation, fit);
  }
  const std::lock_guard lock(monitor_.mutex);
  if (!accepting_ || stopping_ || pending_) {
    return false;
  }
  pending_ = invocation;
  accepting_ = false;
  monitor_.changed.notify_all();
  return true;
}

void ExecutionEnvironment::stop() {
  const std::lock_guard lock(monitor_.mutex);
  stopping_ = true;
  accepting_ = false;
  monitor_.changed.notify_all();
}

Sandbox::Frozen ExecutionEnvironment::hold() {
  Sandbox::Frozen frozen = freezer_->hold();
  world_.journal.record("held",
                        {{"environment", number_},
                         {"processes", frozen.pids.size()},
                         {"pids", frozen.pids},
                         {"complete", frozen.complete}});
  return frozen;
}

std::size_t ExecutionEnvironment::release() {
  const auto released = freezer_->release().value_or(Freezer::Thawed{});
  if (released.dropped) {
    record_dropped(*released.dropped);
  }
  world_.journal.record("released", {{"environment", number_}, {"processes", released.processes}});
  return released.processes;
}

DroppedConnections ExecutionEnvironment::drop_connections() {
  const DroppedConnections dropped = sandbox_->drop_connections();
  record_dropped(dropped);
  return dropped;
}

void ExecutionEnvironment::record_dropped(const DroppedConnections& dropped) const {
  world_.journal.record("connectionsDropped",
                        {{"environment", number_},
                         {"connections", dropped.connections},
                         {"complete", dropped.complete}});
}

void ExecutionEnvironment::vanish() {
  const std::lock_guard lock(monitor_.mutex);
  stopping_ = true;
  vanishing_ = true;
  accepting_ = false;
  monitor_.changed.notify_all();
}

bool ExecutionEnvironment::ended() const {
  const std::lock_guard lock(monitor_.mutex);
  return ended_;
}

void ExecutionEnvironment::run() {
  world_.journal.record("environmentStart", {{"environment", number_}, {"logStream", log_stream_}});
  if (world_.options.init_type == InitType::managed_instances) {
    run_managed();
  } else {
    run_on_demand();
  }
  const std::lock_guard lock(monitor_.mutex);
  ended_ = true;
}

void ExecutionEnvironment::run_on_demand() {
  if (world_.options.init_moment == InitMoment::eager && number_ == 1) {
    init_ahead();
  }
  bool serving = true;
  while (serving) {
    switch (wait_idle()) {
      case Wake::invocation: {
        std::shared_ptr<Invocation> next;
        {
          const std::lock_guard lock(monitor_.mutex);
          next = std::exchange(pending_, nullptr);
        }
        invoke(next);
        break;
      }
      case Wake::crash:
        shut_down("FAILURE");
        suppressed_init_ = true;
        break;
      case Wake::shutdown:
        serving = false;
        break;
    }
  }
  shut_down("SPINDOWN");
  const std::lock_guard lock(monitor_.mutex);
  if (pending_) {
    pending_->fail({"Sandbox.Failure", R"({"errorType":"Sandbox.Failure"})"});
    pending_->finish({});
  }
}

ExecutionEnvironment::Wake ExecutionEnvironment::wait_idle() {
  std::unique_lock lock(monitor_.mutex);
  const auto woken = [&] {
    return stopping_ || pending_ || (generation_ && generation_->locked_failure());
  };
  accepting_ = !stopping_ && !pending_;
  if (world_.options.idle_shutdown) {
    monitor_.changed.wait_for(lock, *world_.options.idle_shutdown, woken);
  } else {
    monitor_.changed.wait(lock, woken);
  }
  if (!stopping_ && generation_ && generation_->locked_failure()) {
    return Wake::crash;
  }
  if (!stopping_ && pending_) {
    return Wake::invocation;
  }
  accepting_ = false;
  return Wake::shutdown;
}

}  // namespace postlude::emulator
