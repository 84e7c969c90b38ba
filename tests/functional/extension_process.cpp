#include "tests/functional/extension_process.h"

#include "common/child_process.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <csignal>
#include <filesystem>
#include <utility>

namespace postlude::testing {
namespace {

constexpr Millis kMargin = Millis(500);

std::string link_name() {
  static int number = 0;
  return fmt::format("postlude-test-{}-{}", ::getpid(), ++number);
}

}  // namespace

ExtensionProcess::ExtensionProcess() {
  auto spool = Spool::create(folder_.file("spool"), "stream");
  REQUIRE(spool);
  spool_.emplace(std::move(*spool));
  launch();
}

void ExtensionProcess::launch() {
  const std::string name = link_name();
  auto listener = PacketListener::listen(name);
  REQUIRE(listener);
  std::array<int, 2> ends = {-1, -1};
  REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
  output_fd_.reset(ends[0]);
  const UniqueFd output_write(ends[1]);

  const Environment environment = Environment::of_process();
  ChildSpec spec;
  spec.program =
      fmt::format("{}/postlude-extension", environment.get_or("POSTLUDE_BIN_DIR", "bin"));
  spec.argv = {"postlude-extension", "--link", name};
  spec.environment = environment;
  spec.standard_output = output_write.get();
  const auto pid = start_child(spec);
  REQUIRE_MESSAGE(pid, "cannot start ", spec.program);
  pid_ = *pid;
  REQUIRE(wait_readable(listener->fd()));
  auto accepted = listener->accept();
  REQUIRE(accepted);
  REQUIRE(*accepted);
  link_ = std::move(**accepted);
}

ExtensionProcess::~ExtensionProcess() {
  if (pid_ != 0) {
    ::kill(pid_, SIGKILL);
    static_cast<void>(postlude::wait_for(pid_));
  }
}

InvocationKey ExtensionProcess::key(std::uint64_t invocation) {
  return {fmt::format("r{}", invocation), invocation};
}

std::vector<std::string> ExtensionProcess::spool_files() const {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(spool_->folder())) {
    names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

void ExtensionProcess::kill() {
  ::kill(pid_, SIGKILL);
  static_cast<void>(postlude::wait_for(std::exchange(pid_, 0)));
  link_.reset();
}

Replayed ExtensionProcess::replace() {
  launch();
  Hello hello = first_message();
  hello.driven = true;
  hello.last_record = tasks_;
  send(hello);
  return expect<Replayed>();
}

std::string ExtensionProcess::spool_file(std::string_view name) const {
  return fmt::format("{}/{}", spool_->folder(), name);
}

Hello ExtensionProcess::first_message() const {
  Hello hello;
  hello.runtime_api = platform_.address();
  hello.task_root = folder_.path();
  hello.spool = spool_->folder();
  hello.log_level = LogLevel::debug;
  return hello;
}

void ExtensionProcess::send_hello(int concurrency) {
  Hello hello = first_message();
  hello.concurrency = concurrency;
  send(hello);
}

void ExtensionProcess::start_registered() {
  send_hello();
  static_cast<void>(expect<Replayed>());
  platform_.accept_registration();
  const auto registered = expect<Registered>();
  CHECK(registered.accepted);
  CHECK(registered.identifier == "id-1");
  platform_.expect_poll();
}

void ExtensionProcess::start_driven() {
  send_hello();
  static_cast<void>(expect<Replayed>());
  platform_.refuse_registration();
  const auto registered = expect<Registered>();
  CHECK_FALSE(registered.accepted);
  CHECK(registered.reason ==
        "403 Extension.RegistrationClosed: Extension registration closed already");
}

void ExtensionProcess::send(const Message& message) {
  send_bytes(encode(message));
}

void ExtensionProcess::send_bytes(std::string_view packet) {
  REQUIRE(link_->send(packet));
}

Message ExtensionProcess::receive() {
  REQUIRE_MESSAGE(wait_readable(link_->fd()), "no message came; output: ", output_);
  const auto packet = link_->receive();
  REQUIRE_MESSAGE(packet, "the extension hung up; output: ", output_);
  REQUIRE(*packet);
  auto message = decode(**packet);
  REQUIRE(message);
  return std::move(*message);
}

bool ExtensionProcess::has_message() const {
  pollfd state = {link_->fd(), POLLIN, 0};
  return ::poll(&state, 1, 0) > 0;
}

void ExtensionProcess::answer(std::uint64_t invocation, Millis time_left) {
  answered_ = invocation;
  send(Answered{key(invocation), now() + time_left});
}

RecordName ExtensionProcess::write(const TaskPlan& plan) {
  TaskRecord record;
  record.key = key(plan.invocation);
  record.id = fmt::format("{}/a/{}", record.key.request_id, ++tasks_);
  record.work_deadline = now() + plan.time_left;
  record.deadline = record.work_deadline + kMargin;
  record.bodies.event = fmt::format("{}.event", plan.invocation);
  record.bodies.response = fmt::format("{}.answer", plan.invocation);
  REQUIRE(spool_->write_capture(record.bodies.event, R"({"k": "v"})"));
  REQUIRE(spool_->write_capture(record.bodies.response, R"({"statusCode":200,"body":"hi"})"));
  record.task.name = std::string("a");
  record.task.timeout = plan.timeout;
  record.task.attempts = plan.attempts;
  record.task.replay = plan.replay;
  record.task.match = plan.match;
  record.task.action = CommandAction{{"sh", "-c", plan.script}, {}, {}};
  const RecordName name{tasks_, 0, 0};
  REQUIRE(spool_->write_record(name, record));
  return name;
}

void ExtensionProcess::accept(const TaskPlan& plan) {
  if (answered_ < plan.invocation) {
    answer(plan.invocation, plan.time_left);
  }
  const RecordName name = write(plan);
  send(Accepted{key(plan.invocation),
                format_record_name(name),
                fmt::format("{}/a/{}", key(plan.invocation).request_id, tasks_)});
}

void ExtensionProcess::close(std::uint64_t invocation, Millis time_left) {
  const EpochTime answered = now();
  answered_ = std::max(answered_, invocation);
  send(Closed{
      key(invocation), answered + time_left, {answered - Millis(20), answered, std::nullopt}});
}

const std::string& ExtensionProcess::wait_for_output(std::string_view text) {
  while (output_.find(text) == std::string::npos) {
    wait_for_more_output();
  }
  return output_;
}

void ExtensionProcess::wait_for_more_output() {
  REQUIRE_MESSAGE(wait_readable(output_fd_.get()), "output so far: ", output_);
  std::array<char, 4096> buffer;
  const ssize_t size = ::read(output_fd_.get(), buffer.data(), buffer.size());
  REQUIRE_MESSAGE(size > 0, "output ended: ", output_);
  output_.append(buffer.data(), static_cast<std::size_t>(size));
}

pid_t ExtensionProcess::wait_for_pid(const std::string& name) {
  wait_for_output(fmt::format(".{}\n", name));
  const std::size_t at = output_.find(name + " ") + name.size() + 1;
  pid_t pid = 0;
  std::from_chars(output_.data() + at, output_.data() + output_.size(), pid);
  REQUIRE(pid > 0);
  return pid;
}

int ExtensionProcess::wait_for_exit() {
  const ExitStatus status = postlude::wait_for(std::exchange(pid_, 0));
  REQUIRE(status.kind == ExitStatus::Kind::exited);
  return status.number;
}

}  // namespace postlude::testing
