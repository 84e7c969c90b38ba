#include "tests/bench/bench_roles.h"
#include "tests/bench/platform_peer.h"
#include "tests/bench/runtime_wish.h"
#include "tests/proof/plain_socket.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <string>
#include <thread>
#include <vector>

namespace postlude::testing {
namespace {

/// The payload of the hand-over that the targets name: 1.5 KB.
constexpr std::size_t kDeferredBytes = 1500;

class BenchRuntime {
 public:
  explicit BenchRuntime(std::string_view address)
      : host_(address), next_(fmt::format(kNext, host_)), api_(connect()) {}

  void run() {
    while (api_.write(next_) && read_answer(api_) && serve()) {
    }
  }

 private:
  static constexpr auto kNext =
      "GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: {}\r\n\r\n";

  [[nodiscard]] PlainSocket connect() const {
    return PlainSocket::connect(std::string_view(host_).substr(host_.find(':') + 1));
  }

  [[nodiscard]] bool serve() {
    const RuntimeWish wish = read_wish(body_);
    const std::string id = id_;
    content_.resize(wish.answer, 'a');
    if (wish.defer > 0) {
      content_ = defer(wish.defer);
    }
    return (wish.chunk == 0 ? answer(id) : stream(id, wish.chunk)) && read_answer(api_);
  }

  [[nodiscard]] bool answer(const std::string& id) {
    constexpr std::size_t kOneWrite = 65536;
    std::string head = fmt::format(
        "POST /2018-06-01/runtime/invocation/{}/response HTTP/1.1\r\nHost: {}\r\n"
        "Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        id,
        host_,
        content_.size());
    if (content_.size() <= kOneWrite) {
      return api_.write(head.append(content_));
    }
    return api_.write(head) && api_.write(content_);
  }

  [[nodiscard]] bool stream(const std::string& id, std::size_t chunk) {
    bool sent = api_.write(
        fmt::format("POST /2018-06-01/runtime/invocation/{}/response HTTP/1.1\r\nHost: {}\r\n"
                    "Content-Type: application/octet-stream\r\n"
                    "Lambda-Runtime-Function-Response-Mode: streaming\r\n"
                    "Transfer-Encoding: chunked\r\n\r\n",
                    id,
                    host_));
    std::string framed;
    for (std::string_view rest = content_; sent && !rest.empty();) {
      const std::string_view part = rest.substr(0, chunk);
      rest.remove_prefix(part.size());
      framed = fmt::format("{:x}\r\n{}\r\n", part.size(), part);
      sent = api_.write(framed);
    }
    return sent && api_.write("0\r\n\r\n");
  }

  /// How long each hand-over took, in nanoseconds: from the first byte of the request to the whole
  /// acknowledgement.
  [[nodiscard]] std::string defer(std::size_t count) {
    const std::string padding(kDeferredBytes, 'p');
    const std::string body = fmt::format(R"({{"task":"deferred","payload":"{}"}})", padding);
    const std::string request = fmt::format(
        "POST /postlude/v1/invocations/{}/tasks HTTP/1.1\r\nHost: {}\r\n"
        "Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{}",
        id_,
        host_,
        body.size(),
        body);
    std::string times = "[";
    PlainSocket local = connect();
    for (std::size_t index = 0; index < count; ++index) {
      const std::int64_t began = monotonic_ns();
      constexpr int kAccepted = 202;
      if (!local.write(request) || !read_answer(local) || status_ != kAccepted) {
        return fmt::format(R"({{"refused":{}}})", status_);
      }
      times += fmt::format("{}{}", index == 0 ? "" : ",", monotonic_ns() - began);
    }
    return times + "]";
  }

  [[nodiscard]] bool read_answer(PlainSocket& socket) {
    constexpr std::string_view kId = "Lambda-Runtime-Aws-Request-Id: ";
    constexpr std::string_view kLength = "Content-Length: ";
    constexpr std::size_t kStatusAt = 9;
    const std::string first = socket.read_line();
    status_ = 0;
    if (first.size() > kStatusAt) {
      std::from_chars(first.data() + kStatusAt, first.data() + first.size(), status_);
    }
    std::size_t length = 0;
    for (std::string line = socket.read_line(); !line.empty(); line = socket.read_line()) {
      if (line.starts_with(kId)) {
        id_ = line.substr(kId.size());
      } else if (line.starts_with(kLength)) {
        std::from_chars(line.data() + kLength.size(), line.data() + line.size(), length);
      }
    }
    body_ = socket.read_bytes(length);
    return status_ != 0;
  }

  std::string host_;
  std::string next_;
  PlainSocket api_;
  int status_ = 0;
  std::string id_;
  std::string body_;
  std::string content_;
};

}  // namespace

int play_runtime(const BenchRole& role) {
  const std::string address(role.environment.get_or("AWS_LAMBDA_RUNTIME_API", ""));
  const std::string_view asked = role.environment.get_or("AWS_LAMBDA_MAX_CONCURRENCY", "1");
  std::size_t polls = 1;
  std::from_chars(asked.data(), asked.data() + asked.size(), polls);
  std::vector<std::jthread> workers;
  for (std::size_t index = 1; index < polls; ++index) {
    workers.emplace_back([address] { BenchRuntime(address).run(); });
  }
  BenchRuntime(address).run();
  return 1;  // the Runtime API is gone
}

}  // namespace postlude::testing
