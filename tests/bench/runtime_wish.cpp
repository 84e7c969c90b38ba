#include "tests/bench/runtime_wish.h"

#include <fmt/format.h>

#include <charconv>

namespace postlude::testing {
namespace {

std::size_t number_after(std::string_view event, std::string_view key) {
  std::size_t number = 0;
  if (const std::size_t at = event.find(key); at != std::string_view::npos) {
    std::from_chars(event.data() + at + key.size(), event.data() + event.size(), number);
  }
  return number;
}

}  // namespace

std::string write_wish(const RuntimeWish& wish, std::size_t bytes) {
  std::string event = fmt::format(
      R"({{"answer":{},"chunk":{},"defer":{},"padding":")", wish.answer, wish.chunk, wish.defer);
  constexpr std::string_view kEnd = R"("})";
  if (event.size() + kEnd.size() < bytes) {
    event.append(bytes - event.size() - kEnd.size(), 'x');
  }
  return event.append(kEnd);
}

RuntimeWish read_wish(std::string_view event) {
  const std::string_view wishes = event.substr(0, event.find(R"("padding")"));
  return {.answer = number_after(wishes, R"("answer":)"),
          .chunk = number_after(wishes, R"("chunk":)"),
          .defer = number_after(wishes, R"("defer":)")};
}

}  // namespace postlude::testing
