#include "tests/unit/extension/command_fixture.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <csignal>

namespace postlude::testing {
namespace {

constexpr Millis kFailureTimeout = std::chrono::seconds(30);
constexpr Millis kLookAgain = Millis(2);

Signals child_signals() {
  auto signals = Signals::block({SIGCHLD});
  REQUIRE(signals);
  return std::move(*signals);
}

}  // namespace

CommandBench::CommandBench() : signals_(child_signals()) {
  extension::Descendants::adopt_orphans();
  std::array<int, 2> ends = {-1, -1};
  REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
  output_read_.reset(ends[0]);
  output_write_.reset(ends[1]);
  // Nobody reads it while a handler writes, and an attempt may write 64 KiB and a log line.
  REQUIRE(::fcntl(output_write_.get(), F_SETPIPE_SZ, 1 << 20) >= 1 << 20);
  log_.emplace(output_write_.get(), LogLevel::info);
  static_cast<void>(loop_.add(output_read_.get(), POLLIN, [this](short) { read_output(); }));
  static_cast<void>(loop_.add(signals_.fd(), POLLIN, [this](short) { on_child(); }));
}

CommandBench::~CommandBench() = default;

extension::CommandPlace CommandBench::place() {
  return {loop_, descendants_, *log_, output_write_.get()};
}

Result<ChildSpec> CommandBench::spec(const CommandAction& action, const std::string& task_id) {
  TaskRecord record;
  record.id = task_id;
  record.key.request_id = "r1";
  record.task.name = "a";
  return extension::command_spec(action,
                                 {.record = record,
                                  .attempt = 1,
                                  .work_deadline = from_epoch_ms(1),
                                  .environment = environment,
                                  .task_root = folder_.path()});
}

std::unique_ptr<CommandBench::Run> CommandBench::start(const std::string& script,
                                                       const std::string& task_id,
                                                       CommandInput input) {
  auto prepared = spec({{"sh", "-c", script}, {}, {}}, task_id);
  REQUIRE(prepared);
  auto run = std::make_unique<Run>();
  run->command = std::make_unique<extension::RunCommand>(place(), task_id);
  runs_.push_back(run.get());
  const auto started = run->command->start(std::move(*prepared),
                                           std::move(input.document),
                                           input.event,
                                           [this, state = run.get()](const auto& result) {
                                             state->result = result;
                                             state->ended = now();
                                             std::erase(runs_, state);
                                           });
  REQUIRE(started);
  return run;
}

extension::AttemptResult CommandBench::run(const std::string& script, CommandInput input) {
  const auto run = start(script, "r1/a/1", std::move(input));
  wait_for_end(*run);
  return *run->result;
}

void CommandBench::wait_until(const std::function<bool()>& holds) {
  bool late = false;
  const auto failure = loop_.at(now() + kFailureTimeout, [this, &late] {
    late = true;
    loop_.stop();
  });
  EventLoop::TimerId look = 0;
  const std::function<void()> check = [&] {
    if (holds()) {
      loop_.stop();
    } else {
      look = loop_.at(now() + kLookAgain, check);
    }
  };
  look = loop_.at(now(), check);
  loop_.run();
  loop_.cancel(look);
  loop_.cancel(failure);
  REQUIRE_MESSAGE(!late, "output so far: ", output_);
}

std::string CommandBench::wait_for_line(const std::string& line) {
  std::size_t at = 0;
  wait_until([&] {
    at = ("\n" + output_).find("\n" + line + "\n");
    return at != std::string::npos;
  });
  return output_.substr(0, at);
}

pid_t CommandBench::wait_for_pid(const std::string& name) {
  pid_t pid = 0;
  wait_until([&] {
    const std::size_t at = output_.find(name + " ");
    if (at == std::string::npos || output_.find('\n', at) == std::string::npos) {
      return false;
    }
    const char* first = output_.data() + at + name.size() + 1;
    return std::from_chars(first, output_.data() + output_.size(), pid).ec == std::errc{};
  });
  return pid;
}

void CommandBench::wait_until_gone(pid_t process) {
  wait_until([process] { return !is_alive(process); });
}

void CommandBench::read_output() {
  std::array<char, 65536> buffer;
  const ssize_t size = ::read(output_read_.get(), buffer.data(), buffer.size());
  REQUIRE(size > 0);
  output_.append(buffer.data(), static_cast<std::size_t>(size));
}

void CommandBench::on_child() {
  while (signals_.take()) {
  }
  const std::vector<Run*> asked = runs_;
  for (Run* run : asked) {
    run->command->child_changed();
  }
  descendants_.child_changed();
}

}  // namespace postlude::testing
