#include "common/log.h"

#include "common/unique_fd.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <string>

using namespace postlude;

namespace {

/// A log whose lines are read back from a pipe.
class LogPipe {
 public:
  LogPipe() {
    std::array<int, 2> ends = {};
    REQUIRE(::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) == 0);
    read_.reset(ends[0]);
    write_.reset(ends[1]);
  }
  [[nodiscard]] Log log(LogLevel threshold) const { return {write_.get(), threshold}; }
  [[nodiscard]] std::string text() const {
    std::string text(65536, '\0');
    const ssize_t size = ::read(read_.get(), text.data(), text.size());
    text.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
    return text;
  }

 private:
  UniqueFd read_;
  UniqueFd write_;
};

}  // namespace

TEST_CASE("a log line is one JSON object with the names that Lambda uses") {
  const LogPipe pipe;
  pipe.log(LogLevel::info).warn("low on \"space\"\nnow", {.request_id = "r-1", .task = "audit"});
  const std::string text = pipe.text();
  CHECK(text.find('\n') == text.size() - 1);
  const auto line = nlohmann::json::parse(text);
  CHECK(line["postlude"] == "log");
  CHECK(line["level"] == "WARN");
  CHECK(line["message"] == "low on \"space\"\nnow");
  CHECK(line["requestId"] == "r-1");
  CHECK(line["task"] == "audit");
  CHECK(line["timestamp"].get<std::string>().size() ==
        std::string("2026-01-02T03:04:05.678Z").size());
}

TEST_CASE("what a line is not about is left out") {
  const LogPipe pipe;
  pipe.log(LogLevel::info).info("started");
  const auto line = nlohmann::json::parse(pipe.text());
  CHECK_FALSE(line.contains("requestId"));
  CHECK_FALSE(line.contains("task"));
}

TEST_CASE("lines below the threshold are not written") {
  const LogPipe pipe;
  const Log log = pipe.log(LogLevel::warn);
  log.debug("a");
  log.info("b");
  CHECK(pipe.text().empty());
  log.error("c");
  CHECK(nlohmann::json::parse(pipe.text())["level"] == "ERROR");
}

TEST_CASE("a long message is cut so that the line stays whole in one write") {
  for (const std::string& message : {std::string(100000, 'x'),
                                     std::string(100000, '"'),
                                     std::string(100000, '\x01'),
                                     std::string(4096, '\xff')}) {
    const LogPipe pipe;
    pipe.log(LogLevel::info).info(message);
    const std::string text = pipe.text();
    CHECK(text.size() <= kMaxLogLineBytes);
    CHECK(text.size() > kMaxLogLineBytes - 200);
    CHECK(nlohmann::json::parse(text)["level"] == "INFO");
  }
}

TEST_CASE("bytes that are no UTF-8 are replaced, never lost with the line") {
  const LogPipe pipe;
  pipe.log(LogLevel::info).info("bad \xff byte");
  CHECK(nlohmann::json::parse(pipe.text())["message"] == "bad \xEF\xBF\xBD byte");
}

TEST_CASE("times are written in UTC with milliseconds") {
  CHECK(iso_timestamp(from_epoch_ms(1775516174092)) == "2026-04-06T22:56:14.092Z");
  CHECK(iso_timestamp(from_epoch_ms(7)) == "1970-01-01T00:00:00.007Z");
}
