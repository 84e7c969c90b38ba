#include "tests/functional/local_lambda.h"

#include "common/child_process.h"
#include "common/environment.h"
#include "common/json_text.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <stdexcept>

namespace postlude::testing {
namespace {

/// As a shell tells a death by signal.
constexpr int kSignalBase = 128;

double now_ms() {
  return std::chrono::duration<double, std::milli>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

std::string new_folder() {
  std::string name = (std::filesystem::temp_directory_path() / "local-lambda-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) {
    throw std::runtime_error("mkdtemp " + name);
  }
  return name;
}

std::pair<UniqueFd, UniqueFd> new_pipe() {
  std::array<int, 2> ends{-1, -1};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
    throw std::runtime_error("pipe");
  }
  return {UniqueFd(ends[0]), UniqueFd(ends[1])};
}

std::string emulator_path(const Environment& environment) {
  const auto folder = environment.find("POSTLUDE_BIN_DIR");
  if (!folder) {
    throw std::runtime_error("POSTLUDE_BIN_DIR is not set: run the story through ctest");
  }
  return std::string(*folder) + "/postlude-emulator";
}

std::vector<std::string> command_line(const LambdaSetup& setup, const std::string& program) {
  std::vector<std::string> argv{program,
                                "--events",
                                "/dev/stderr",
                                "--function",
                                setup.function_dir,
                                "--handler",
                                setup.handler,
                                "--runtime",
                                setup.runtime};
  if (!setup.layer_dir.empty()) {
    argv.insert(argv.end(), {"--layer", setup.layer_dir});
  }
  for (const auto& [name, value] : setup.env) {
    argv.insert(argv.end(), {"--env", fmt::format("{}={}", name, value)});
  }
  argv.insert(argv.end(), setup.options.begin(), setup.options.end());
  return argv;
}

std::string decode_base64(const std::string& text) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  unsigned bits = 0;
  int count = 0;
  for (const char c : text) {
    const std::size_t digit = kDigits.find(c);
    if (digit == std::string_view::npos) {
      break;
    }
    bits = bits << 6U | static_cast<unsigned>(digit);
    count += 6;
    if (count >= 8) {
      count -= 8;
      out.push_back(static_cast<char>(bits >> static_cast<unsigned>(count) & 0xffU));
    }
  }
  return out;
}

}  // namespace

LambdaEvent::LambdaEvent(const std::string& line) : line_(line) {
  auto parsed = parse_json(line);
  if (!parsed || !parsed->is_object()) {
    throw std::runtime_error("not a journal line: " + line);
  }
  json_ = std::make_shared<const nlohmann::json>(std::move(*parsed));
  name_ = json_->value("event", "");
  ms_ = json_->value("ms", 0.0);
}

std::string LambdaEvent::text(const std::string& member) const {
  const auto found = json_->find(member);
  if (found == json_->end()) {
    return {};
  }
  return found->is_string() ? found->get<std::string>() : dump_json(*found);
}

double LambdaEvent::number(const std::string& member) const {
  const auto found = json_->find(member);
  return found != json_->end() && found->is_number() ? found->get<double>() : -1;
}

std::string InvokeResult::request_id() const {
  return http.header("x-amzn-RequestId").value_or("");
}

std::string InvokeResult::function_error() const {
  return http.header("X-Amz-Function-Error").value_or("");
}

std::string InvokeResult::log_tail() const {
  return decode_base64(http.header("X-Amz-Log-Result").value_or(""));
}

LocalLambda::LocalLambda(LambdaSetup setup) : folder_(new_folder()) {
  if (setup.function_dir.empty()) {
    setup.function_dir = folder_ + "/function";
    std::filesystem::create_directories(setup.function_dir);
  }
  start(setup);
}

void LocalLambda::start(const LambdaSetup& setup) {
  auto [log_read, log_write] = new_pipe();
  auto [event_read, event_write] = new_pipe();
  ChildSpec spec;
  spec.environment = Environment::of_process();
  spec.program = emulator_path(spec.environment);
  spec.argv = command_line(setup, spec.program);
  spec.parent_death_signal = SIGTERM;
  spec.standard_output = log_write.get();
  spec.standard_error = event_write.get();
  const auto pid = start_child(spec);
  if (!pid) {
    throw std::runtime_error(pid.error().message);
  }
  pid_ = *pid;
  log_pipe_ = std::move(log_read);
  event_pipe_ = std::move(event_read);
  log_reader_ = std::jthread([this] {
    read_lines(log_pipe_.get(), [this](std::string line) { log_.push_back(std::move(line)); });
  });
  event_reader_ = std::jthread([this] {
    read_lines(event_pipe_.get(), [this](std::string line) {
      if (line.starts_with("{\"event\":")) {
        events_.emplace_back(line);
      } else {
        log_.push_back(std::move(line));  // a complaint, a sanitizer's report
      }
    });
  });
  log_write.reset();
  event_write.reset();
  const LambdaEvent listening = wait_for_event({.name = "listening"});
  invoke_address_ = listening.text("invoke");
  url_address_ = listening.text("url");
  control_address_ = listening.text("control");
}

LocalLambda::~LocalLambda() {
  int status = 0;
  try {
    status = stop();
  } catch (const std::exception&) {
    // It was killed; the test's own failure says more.
  }
  callers_.clear();  // the emulator is gone, so none of them waits any more
  log_reader_.join();
  event_reader_.join();
  if (status > 0 && status < kSignalBase) {
    // A destructor cannot fail a test, and a sanitizer's report must not pass unseen.
    std::cerr << "the emulator ended with status " << status << "\n" << story_so_far();
    std::abort();
  }
  std::error_code error;
  std::filesystem::remove_all(folder_, error);
}

void LocalLambda::read_lines(int fd, const std::function<void(std::string)>& take) {
  std::string partial;
  std::array<char, 65536> buffer{};
  while (true) {
    const ssize_t got = ::read(fd, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) {
      continue;
    }
    if (got <= 0) {
      break;
    }
    partial.append(buffer.data(), static_cast<std::size_t>(got));
    const std::lock_guard lock(mutex_);
    std::size_t feed = 0;
    while ((feed = partial.find('\n')) != std::string::npos) {
      take(partial.substr(0, feed));
      partial.erase(0, feed + 1);
    }
    changed_.notify_all();
  }
  const std::lock_guard lock(mutex_);
  events_.emplace_back(R"({"event":"pipeClosed","ms":0})");
  changed_.notify_all();
}

int LocalLambda::stop() {
  if (exit_status_) {
    return *exit_status_;
  }
  ::kill(pid_, SIGTERM);
  bool ended = false;
  {
    std::unique_lock lock(mutex_);
    constexpr std::size_t kBothPipes = 2;
    ended = changed_.wait_for(lock, kPatience, [&] {
      return find_locked({.name = "pipeClosed", .nth = kBothPipes}).has_value();
    });
  }
  if (!ended) {
    ::kill(pid_, SIGKILL);
  }
  const ExitStatus status = wait_for(pid_);
  exit_status_ =
      status.kind == ExitStatus::Kind::exited ? status.number : kSignalBase + status.number;
  if (!ended) {
    throw std::runtime_error("the emulator did not end after SIGTERM\n" + story_so_far());
  }
  return *exit_status_;
}

std::optional<LambdaEvent> LocalLambda::find_locked(const EventMatch& match) const {
  std::size_t seen = 0;
  for (const LambdaEvent& event : events_) {
    const bool fits =
        (match.name.empty() || event.name() == match.name) &&
        (match.request_id.empty() || event.text("requestId") == match.request_id) &&
        std::all_of(match.members.begin(), match.members.end(), [&](const auto& member) {
          return event.text(member.first) == member.second;
        });
    if (fits && ++seen == match.nth) {
      return event;
    }
  }
  return std::nullopt;
}

LambdaEvent LocalLambda::wait_for_event(const EventMatch& match) {
  std::unique_lock lock(mutex_);
  std::optional<LambdaEvent> found;
  changed_.wait_for(lock, kPatience, [&] {
    found = find_locked(match);
    return found || (match.name != "pipeClosed" && find_locked({.name = "pipeClosed"}));
  });
  if (!found) {
    lock.unlock();
    throw std::runtime_error("no event " + match.name + " " + match.request_id + "\n" +
                             story_so_far());
  }
  return *found;
}

std::vector<LambdaEvent> LocalLambda::events(const EventMatch& match) const {
  const std::lock_guard lock(mutex_);
  std::vector<LambdaEvent> found;
  EventMatch each = match;
  for (each.nth = 1; auto event = find_locked(each); ++each.nth) {
    found.push_back(std::move(*event));
  }
  return found;
}

std::string LocalLambda::wait_for_log(const std::string& part, std::size_t nth) {
  std::unique_lock lock(mutex_);
  std::optional<std::string> found;
  changed_.wait_for(lock, kPatience, [&] {
    std::size_t seen = 0;
    for (const std::string& line : log_) {
      if (line.find(part) != std::string::npos && ++seen == nth) {
        found = line;
        return true;
      }
    }
    return find_locked({.name = "pipeClosed", .nth = 2}).has_value();
  });
  if (!found) {
    lock.unlock();
    throw std::runtime_error("no log line with: " + part + "\n" + story_so_far());
  }
  return *found;
}

std::vector<std::string> LocalLambda::log() const {
  const std::lock_guard lock(mutex_);
  return log_;
}

std::string LocalLambda::story_so_far() const {
  const std::lock_guard lock(mutex_);
  std::string text = "journal:\n";
  for (const LambdaEvent& event : events_) {
    text += "  " + event.line() + "\n";
  }
  text += "log:\n";
  for (const std::string& line : log_) {
    text += "  " + line + "\n";
  }
  return text;
}

std::string LocalLambda::runtime_api() {
  static_cast<void>(wait_for_event({.name = "initStart"}));
  return events({.name = "initStart"}).back().text("api");
}

std::string LocalLambda::control(const std::string& command, int environment) {
  RawClient client(control_address_);
  client.request("POST", fmt::format("/environments/{}/{}", environment, command));
  RawResponse answer = client.read_response();
  constexpr int kDone = 200;
  if (answer.status != kDone) {
    throw std::runtime_error(command + ": " + answer.body + story_so_far());
  }
  return answer.body;
}

InvokeResult LocalLambda::exchange(const std::string& address,
                                   const std::function<void(RawClient&)>& send_request) {
  try {
    InvokeResult result;
    RawClient client(address);
    result.started_ms = now_ms();
    send_request(client);
    result.http = client.read_response();
    result.answered_ms = now_ms();
    return result;
  } catch (const std::runtime_error& error) {
    throw std::runtime_error(std::string(error.what()) + "\n" + story_so_far());
  }
}

InvokeResult LocalLambda::invoke(const std::string& payload, const InvokeOptions& options) {
  return exchange(invoke_address_, [&](RawClient& client) {
    client.request("POST",
                   "/2015-03-31/functions/" + options.function + "/invocations",
                   options.headers,
                   payload);
  });
}

std::future<InvokeResult> LocalLambda::invoke_later(const std::string& payload,
                                                    const InvokeOptions& options) {
  return later([this, payload, options] { return invoke(payload, options); });
}

std::future<InvokeResult> LocalLambda::later(std::function<InvokeResult()> call) {
  std::packaged_task<InvokeResult()> task(std::move(call));
  auto result = task.get_future();
  const std::lock_guard lock(mutex_);
  callers_.emplace_back(std::move(task));
  return result;
}

InvokeResult LocalLambda::url(const std::string& method,
                              const std::string& target,
                              const std::vector<std::pair<std::string, std::string>>& headers,
                              const std::string& body) {
  return exchange(url_address_,
                  [&](RawClient& client) { client.request(method, target, headers, body); });
}

std::future<InvokeResult> LocalLambda::url_later(
    const std::string& method,
    const std::string& target,
    const std::vector<std::pair<std::string, std::string>>& headers,
    const std::string& body) {
  return later(
      [this, method, target, headers, body] { return url(method, target, headers, body); });
}

}  // namespace postlude::testing
