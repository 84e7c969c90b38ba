#include "common/child_process.h"
#include "tests/bench/bench_roles.h"
#include "tests/bench/played_platform.h"
#include "tests/bench/runtime_wish.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <charconv>
#include <csignal>
#include <cstdio>
#include <iostream>
#include <sstream>
#include <string>
#include <utility>

namespace postlude::testing {
namespace {

using Words = std::vector<std::string>;

Words words_of(const std::string& line) {
  std::istringstream text(line);
  Words words;
  for (std::string word; text >> word;) {
    words.push_back(std::move(word));
  }
  return words;
}

std::size_t number_of(std::string_view text) {
  std::size_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

/// Of words KEY=NUMBER.
std::size_t number_of(const Words& words, std::string_view key, std::size_t otherwise) {
  for (const std::string& word : words) {
    if (word.size() > key.size() && word[key.size()] == '=' && word.starts_with(key)) {
      return number_of(std::string_view(word).substr(key.size() + 1));
    }
  }
  return otherwise;
}

template <class Member>
std::string list_of(const std::vector<InvocationTimes>& times, Member member) {
  std::vector<std::int64_t> numbers;
  numbers.reserve(times.size());
  for (const InvocationTimes& one : times) {
    numbers.push_back(one.*member);
  }
  return fmt::format("[{}]", fmt::join(numbers, ","));
}

/// What the runtime said about the tasks that it deferred; it says so in JSON.
std::string begins_of(const std::vector<InvocationTimes>& times) {
  std::vector<std::string_view> begins;
  begins.reserve(times.size());
  for (const InvocationTimes& one : times) {
    begins.push_back(one.answer_begin);
  }
  return fmt::format("[{}]", fmt::join(begins, ","));
}

class Commands {
 public:
  Commands(PlayedPlatform platform, Environment environment)
      : platform_(std::move(platform)), environment_(std::move(environment)) {
    environment_.set("AWS_LAMBDA_RUNTIME_API", fmt::format("127.0.0.1:{}", platform_.port()));
  }

  [[nodiscard]] Result<std::string> obey(const Words& words) {
    const std::string_view command = words.empty() ? "" : std::string_view(words.front());
    if (command == "start" && words.size() > 1) {
      return start({words.begin() + 1, words.end()});
    }
    if (command == "parked" && words.size() == 3) {
      return parked(number_of(words[1]), number_of(words[2]));
    }
    if (command == "batch") {
      return batch(words);
    }
    if (command == "stop") {
      return stop();
    }
    return fail("no such command");
  }

  [[nodiscard]] Result<std::string> stop() {
    if (child_ > 0) {
      ::kill(child_, SIGTERM);
      static_cast<void>(wait_for(std::exchange(child_, 0)));
      platform_.reset();
    }
    return "{}";
  }

 private:
  [[nodiscard]] Result<std::string> start(const Words& argv) {
    const auto program = find_program(argv.front(), environment_.get_or("PATH", ""), ".");
    if (!program) {
      return tl::unexpected(program.error());
    }
    started_ = monotonic_ns();
    const auto child = start_child(
        {.program = *program, .argv = argv, .environment = environment_, .standard_output = 2});
    if (!child) {
      return tl::unexpected(child.error());
    }
    child_ = *child;
    return fmt::format(R"({{"pid":{}}})", child_);
  }

  [[nodiscard]] Result<std::string> parked(std::size_t runtimes, std::size_t extensions) {
    return platform_.until_parked(runtimes, extensions).map([this](std::int64_t first) {
      return fmt::format(R"({{"initNs":{}}})", first - started_);
    });
  }

  [[nodiscard]] Result<std::string> batch(const Words& words) {
    constexpr std::size_t kBytes = 1024;
    const RuntimeWish wish{.answer = number_of(words, "answer", kBytes),
                           .chunk = number_of(words, "chunk", 0),
                           .defer = number_of(words, "defer", 0)};
    const Batch asked{.invocations = number_of(words, "invocations", 1),
                      .parallel = number_of(words, "parallel", 1),
                      .event = write_wish(wish, number_of(words, "event", kBytes))};
    const auto times = platform_.run(asked);
    if (!times) {
      return tl::unexpected(times.error());
    }
    for (const InvocationTimes& one : *times) {
      if (wish.defer == 0 && one.answer_bytes != wish.answer) {
        return fail(fmt::format("{} bytes of {} came", one.answer_bytes, wish.answer));
      }
    }
    return fmt::format(R"({{"firstByte":{},"answer":{},"released":{},"release":{},"begins":{}}})",
                       list_of(*times, &InvocationTimes::first_byte),
                       list_of(*times, &InvocationTimes::answer),
                       list_of(*times, &InvocationTimes::released),
                       list_of(*times, &InvocationTimes::release),
                       wish.defer == 0 ? "[]" : begins_of(*times));
  }

  PlayedPlatform platform_;
  Environment environment_;
  pid_t child_ = 0;
  std::int64_t started_ = 0;
};

}  // namespace

int play_platform(const BenchRole& role) {
  auto platform = PlayedPlatform::open(role.arguments.empty() ? "" : role.arguments.front());
  if (!platform) {
    fmt::print("{{\"error\":\"{}\"}}\n", platform.error().message);
    return 1;
  }
  Commands commands(std::move(*platform), role.environment);
  for (std::string line; std::getline(std::cin, line);) {
    const auto answer = commands.obey(words_of(line));
    if (!answer) {
      std::string quoted;
      for (const char letter : answer.error().message) {
        quoted += letter == '"' || letter == '\\' ? '\'' : letter;
      }
      fmt::print("{{\"error\":\"{}: {}\"}}\n", line, quoted);
      static_cast<void>(commands.stop());
      return 1;
    }
    fmt::print("{}\n", *answer);
    static_cast<void>(std::fflush(stdout));
  }
  static_cast<void>(commands.stop());
  return 0;
}

}  // namespace postlude::testing
