#include "tests/emulator/sandbox.h"

#include "tests/emulator/sandbox_process.h"

#include <nlohmann/json.hpp>

#include <sys/socket.h>

#include <array>
#include <filesystem>
#include <utility>

namespace postlude::emulator {
namespace {

Result<pid_t> start_sandbox_process(int control, const SandboxSetup& setup) {
  std::error_code error;
  ChildSpec spec;
  spec.program = std::filesystem::read_symlink("/proc/self/exe", error).string();
  spec.argv = {"lambda-sandbox", kSandboxMode, std::to_string(setup.memory_bytes)};
  spec.argv.insert(spec.argv.end(), setup.private_tmp.begin(), setup.private_tmp.end());
  spec.standard_input = control;
  spec.standard_output = setup.function_log;
  spec.standard_error = setup.extension_log;
  return start_child(spec);
}

}  // namespace

Result<std::unique_ptr<Sandbox>> Sandbox::start(SandboxSetup setup) {
  std::array<int, 2> ends{-1, -1};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    return errno_failure("socketpair for", "sandbox");
  }
  UniqueFd ours(ends[0]);
  UniqueFd theirs(ends[1]);
  auto pid = start_sandbox_process(theirs.get(), setup);
  if (!pid) {
    return tl::unexpected(pid.error());
  }
  theirs.reset();
  std::unique_ptr<Sandbox> sandbox(new Sandbox(std::move(ours), *pid, std::move(setup)));
  const nlohmann::json begun = sandbox->wait_report();
  if (begun.value("did", "") != "begin") {
    return fail(begun.value("failed", "the sandbox process did not start"));
  }
  return sandbox;
}

Sandbox::Sandbox(UniqueFd control, pid_t pid, SandboxSetup setup)
    : control_(std::move(control)),
      pid_(pid),
      setup_(std::move(setup)),
      reader_([this] { read_reports(); }) {}

Sandbox::~Sandbox() {
  // It kills its processes when this closes.
  ::shutdown(control_.get(), SHUT_RDWR);
  reader_.join();
  static_cast<void>(wait_for(pid_));
}

void Sandbox::read_reports() {
  while (auto message = receive_packet(control_.get())) {
    if (message->contains("exited")) {
      setup_.on_exit(message->value("exited", ""), status_from_json(*message));
      continue;
    }
    const std::lock_guard lock(mutex_);
    report_ = std::make_unique<nlohmann::json>(std::move(*message));
    reported_.notify_all();
  }
  const std::lock_guard lock(mutex_);
  gone_ = true;
  reported_.notify_all();
}

nlohmann::json Sandbox::wait_report() {
  std::unique_lock lock(mutex_);
  reported_.wait(lock, [&] { return report_ != nullptr || gone_; });
  const auto report = std::exchange(report_, nullptr);
  return report ? *report : nlohmann::json::object();
}

nlohmann::json Sandbox::ask(const nlohmann::json& command) {
  const std::lock_guard lock(asking_);
  return send_packet(control_.get(), command) ? wait_report() : nlohmann::json::object();
}

Result<pid_t> Sandbox::start_process(const ProcessToStart& process) {
  const auto report = ask(to_json(process));
  if (!report.contains("pid")) {
    return fail(report.value("missing", false) ? ErrorCode::not_found : ErrorCode::failed,
                report.value("error", "the sandbox process is gone"));
  }
  return report.value("pid", 0);
}

void Sandbox::signal_group(const std::string& who, int signal) {
  static_cast<void>(ask({{"do", "signal"}, {"who", who}, {"signal", signal}, {"group", true}}));
}

void Sandbox::signal_process(const std::string& who, int signal) {
  static_cast<void>(ask({{"do", "signal"}, {"who", who}, {"signal", signal}, {"group", false}}));
}

Sandbox::Frozen Sandbox::freeze() {
  const auto report = ask({{"do", "freeze"}});
  return {report.value("pids", std::vector<pid_t>{}), report.value("complete", false)};
}

std::size_t Sandbox::thaw() {
  return ask({{"do", "thaw"}}).value("processes", std::size_t{0});
}

DroppedConnections Sandbox::drop_connections() {
  const auto report = ask({{"do", "drop"}, {"api", setup_.api_port}});
  return {report.value("connections", std::size_t{0}), report.value("complete", false)};
}

std::vector<ProcessInfo> Sandbox::kill_all() {
  std::vector<ProcessInfo> leftovers;
  const auto report = ask({{"do", "kill"}});
  for (const auto& process : report.value("leftovers", nlohmann::json::array())) {
    leftovers.push_back({process.value("pid", 0), process.value("name", "")});
  }
  return leftovers;
}

}  // namespace postlude::emulator
