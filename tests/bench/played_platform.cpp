#include "tests/bench/played_platform.h"

#include "common/clock.h"

#include <fmt/format.h>

#include <poll.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <utility>

namespace postlude::testing {
namespace {

constexpr std::string_view kInvocations = "/2018-06-01/runtime/invocation/";
constexpr Millis kInvocationTime{300'000};
constexpr int kPatienceMs = 60'000;  // of what takes microseconds

std::string request_id(std::size_t number) {
  return fmt::format("{:08x}-0000-4000-8000-000000000000", number);
}

std::string answer(int status, std::string_view fields, std::string_view body) {
  return fmt::format(
      "HTTP/1.1 {} OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n{}\r\n{}",
      status,
      body.size(),
      fields,
      body);
}

constexpr std::string_view kArn = "arn:aws:lambda:eu-west-1:123456789012:function:bench";
constexpr std::string_view kTrace =
    "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=0";

std::string event_message(std::size_t number, EpochTime deadline, std::string_view event) {
  return answer(200,
                fmt::format("Lambda-Runtime-Aws-Request-Id: {}\r\n"
                            "Lambda-Runtime-Deadline-Ms: {}\r\n"
                            "Lambda-Runtime-Invoked-Function-Arn: {}\r\n"
                            "Lambda-Runtime-Trace-Id: {}\r\n",
                            request_id(number),
                            deadline.time_since_epoch().count(),
                            kArn,
                            kTrace),
                event);
}

std::string invoke_message(std::size_t number, EpochTime deadline) {
  return answer(200,
                "Lambda-Extension-Event-Identifier: 5b8ac2ea-9ad5-4bb1-a1b5-2f6c0b3a4f1d\r\n",
                fmt::format(R"({{"eventType":"INVOKE","deadlineMs":{},"requestId":"{}",)"
                            R"("invokedFunctionArn":"{}","tracing":{{"type":"X-Amzn-Trace-Id",)"
                            R"("value":"{}"}}}})",
                            deadline.time_since_epoch().count(),
                            request_id(number),
                            kArn,
                            kTrace));
}

Result<UniqueFd> open_datagrams(const std::string& name) {
  UniqueFd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (!fd || name.size() + 1 > sizeof address.sun_path) {
    return errno_failure("open", name);
  }
  std::memcpy(&address.sun_path[1], name.data(), name.size());
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), size) != 0) {
    return errno_failure("bind", name);
  }
  return fd;
}

}  // namespace

Result<PlayedPlatform> PlayedPlatform::open(const std::string& times_name) {
  auto listener = listen_on_loopback();
  if (!listener) {
    return tl::unexpected(listener.error());
  }
  auto datagrams = open_datagrams(times_name);
  if (!datagrams) {
    return tl::unexpected(datagrams.error());
  }
  PlayedPlatform platform;
  platform.listener_ = std::move(*listener);
  platform.task_ends_ = std::move(*datagrams);
  return platform;
}

Result<std::int64_t> PlayedPlatform::until_parked(std::size_t runtimes, std::size_t extensions) {
  return wait_until([this, runtimes, extensions] {
           return parked_runtimes_.size() >= runtimes && parked_extensions_.size() >= extensions;
         })
      .map([this] { return first_poll_; });
}

Result<std::vector<InvocationTimes>> PlayedPlatform::run(const Batch& batch) {
  std::vector<InvocationTimes> done;
  done.reserve(batch.invocations);
  std::size_t begun = 0;
  const auto waited = wait_until([&] {
    settle(batch, done);
    const std::size_t extensions = invoke_registered_ ? 1 : 0;
    while (begun < batch.invocations && in_flight_.size() < batch.parallel &&
           !parked_runtimes_.empty() && parked_extensions_.size() >= extensions) {
      begin(batch);
      ++begun;
    }
    return done.size() == batch.invocations;
  });
  if (!waited) {
    return tl::unexpected(waited.error());
  }
  return done;
}

void PlayedPlatform::reset() {
  peers_.clear();
  parked_runtimes_.clear();
  parked_extensions_.clear();
  in_flight_.clear();
  invoke_registered_ = false;
  first_poll_ = -1;
}

Result<void> PlayedPlatform::wait_until(const std::function<bool()>& reached) {
  while (!reached()) {
    if (auto done = round(); !done) {
      return done;
    }
    if (failure_) {
      return tl::unexpected(*failure_);
    }
  }
  return {};
}

Result<void> PlayedPlatform::round() {
  std::vector<pollfd> fds{{listener_.fd.get(), POLLIN, 0}, {task_ends_.get(), POLLIN, 0}};
  for (const PlatformPeer& peer : peers_) {
    fds.push_back({peer.fd(), POLLIN, 0});
  }
  if (::poll(fds.data(), fds.size(), kPatienceMs) <= 0) {
    return fail("nothing came for a minute: a process hangs or has ended");
  }
  if (fds[1].revents != 0) {
    read_task_ends();
  }
  std::size_t index = 2;
  for (auto peer = peers_.begin(); peer != peers_.end();) {
    const bool ready = fds[index++].revents != 0;
    PlatformPeer& there = *peer;
    const bool stays = !ready || there.receive([this, &there](PlatformPeer::Request& request) {
      take(there, request);
    });
    if (!stays) {
      std::erase(parked_runtimes_, &there);
      std::erase(parked_extensions_, &there);
      peer = peers_.erase(peer);
    } else {
      ++peer;
    }
  }
  if (fds[0].revents != 0) {
    if (auto fd = accept_tcp(listener_.fd.get())) {
      peers_.emplace_back(std::move(*fd));
    }
  }
  return {};
}

void PlayedPlatform::take(PlatformPeer& peer, const PlatformPeer::Request& request) {
  const std::string_view target = request.target;
  if (target == "/2018-06-01/runtime/invocation/next") {
    first_poll_ = first_poll_ < 0 ? request.end : first_poll_;
    last_poll_ = request.end;
    parked_runtimes_.push_back(&peer);
  } else if (target == "/2020-01-01/extension/event/next") {
    last_poll_ = request.end;
    parked_extensions_.push_back(&peer);
  } else if (target == "/2020-01-01/extension/register") {
    take_registration(peer, request);
  } else if (target.starts_with(kInvocations) && target.ends_with("/response")) {
    take_response(peer, request);
  } else {
    failure_ = Error{ErrorCode::failed,
                     fmt::format("{} {}: {}", request.method, request.target, request.body)};
  }
}

void PlayedPlatform::take_registration(PlatformPeer& peer, const PlatformPeer::Request& request) {
  invoke_registered_ = invoke_registered_ || request.body.find("INVOKE") != std::string::npos;
  static_cast<void>(peer.send(
      answer(200,
             "Lambda-Extension-Identifier: 9d7a3f3c-7c2f-4c7e-9a58-0f0a5c2a9d11\r\n",
             R"({"functionName":"bench","functionVersion":"$LATEST","handler":"bench"})")));
}

void PlayedPlatform::take_response(PlatformPeer& peer, const PlatformPeer::Request& request) {
  constexpr int kHexadecimal = 16;
  std::size_t number = 0;
  const char* digits = request.target.data() + kInvocations.size();
  std::from_chars(digits, request.target.data() + request.target.size(), number, kHexadecimal);
  const auto found = std::find_if(in_flight_.begin(), in_flight_.end(), [&](const InFlight& one) {
    return one.number == number && !one.answered;
  });
  if (found == in_flight_.end()) {
    failure_ = Error{ErrorCode::failed, "a response that nobody waits for: " + request.target};
    return;
  }
  found->answered = true;
  found->times.first_byte = request.first_byte - found->sent;
  found->times.answer = request.end - found->sent;
  found->times.answer_bytes = request.body_bytes;
  found->times.answer_begin = request.body;
  static_cast<void>(peer.send(answer(202, "", R"({"status":"OK"})")));
}

void PlayedPlatform::read_task_ends() {
  std::int64_t at = 0;
  while (::recv(task_ends_.get(), &at, sizeof at, 0) == sizeof at) {
    last_task_end_ = std::max(last_task_end_, at);
  }
}

void PlayedPlatform::begin(const Batch& batch) {
  const std::size_t number = ++last_number_;
  const EpochTime deadline = now() + kInvocationTime;
  const std::string event = event_message(number, deadline, batch.event);
  const std::string invoke = invoke_message(number, deadline);
  PlatformPeer* runtime = parked_runtimes_.back();
  parked_runtimes_.pop_back();
  last_task_end_ = -1;
  in_flight_.push_back({.number = number, .sent = monotonic_ns(), .times = {}});
  static_cast<void>(runtime->send(event));
  if (invoke_registered_) {
    PlatformPeer* extension = parked_extensions_.back();
    parked_extensions_.pop_back();
    static_cast<void>(extension->send(invoke));
  }
}

/// One at a time, an invocation lasts until all polls are back; of several at once, until its
/// response.
void PlayedPlatform::settle(const Batch& batch, std::vector<InvocationTimes>& done) {
  const bool parked =
      !parked_runtimes_.empty() && (!invoke_registered_ || !parked_extensions_.empty());
  std::erase_if(in_flight_, [&](InFlight& one) {
    if (!one.answered || (batch.parallel == 1 && !parked)) {
      return false;
    }
    if (batch.parallel == 1) {
      read_task_ends();
      one.times.released = last_poll_ - one.sent;
      one.times.release = last_task_end_ < 0 ? -1 : last_poll_ - last_task_end_;
    }
    done.push_back(std::move(one.times));
    return true;
  });
}

}  // namespace postlude::testing
