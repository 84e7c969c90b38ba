#include "extension/retry.h"

#include <doctest/doctest.h>

namespace postlude::extension {
using namespace std::chrono_literals;

TEST_CASE("the longest wait doubles with every failed attempt up to ten seconds") {
  constexpr double kAlmostOne = 0.999999;
  CHECK(retry_wait(200ms, 1, kAlmostOne) == 199ms);
  CHECK(retry_wait(200ms, 2, kAlmostOne) == 399ms);
  CHECK(retry_wait(200ms, 4, kAlmostOne) == 1599ms);
  CHECK(retry_wait(200ms, 7, kAlmostOne) == 9999ms);
  CHECK(retry_wait(200ms, 100, kAlmostOne) == 9999ms);
  CHECK(retry_wait(900s, 1, kAlmostOne) == 9999ms);
}

TEST_CASE("the jitter is full: any part of the longest wait, none included") {
  CHECK(retry_wait(200ms, 1, 0.0) == 0ms);
  CHECK(retry_wait(200ms, 1, 0.25) == 50ms);
}

TEST_CASE("without backoff there is no wait") {
  CHECK(retry_wait(0ms, 100, 0.9) == 0ms);
}

TEST_CASE("only short waits that fit into the time left hold the environment") {
  CHECK(worth_holding(2000ms, 3s));
  CHECK_FALSE(worth_holding(2001ms, 30s));
  CHECK_FALSE(worth_holding(500ms, 500ms));
  CHECK(worth_holding(499ms, 500ms));
}

}  // namespace postlude::extension
