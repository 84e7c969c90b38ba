#include "extension/output_lines.h"

#include "common/log.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace postlude::extension {

namespace {

struct Collected {
  OutputAllowance allowance;
  std::vector<std::string> writes;
  OutputLines lines{allowance, [this](std::string_view line) { writes.emplace_back(line); }};

  [[nodiscard]] std::string all() const {
    std::string text;
    for (const std::string& write : writes) {
      text += write;
    }
    return text;
  }
};

}  // namespace

TEST_CASE("each line is one write, however its bytes arrive") {
  for (std::size_t piece = 1; piece < 12; ++piece) {
    CAPTURE(piece);
    Collected out;
    const std::string text = "one\ntwo\n\nthree\n";
    for (std::size_t at = 0; at < text.size(); at += piece) {
      out.lines.add(std::string_view(text).substr(at, piece));
    }
    out.lines.finish();
    CHECK(out.writes == std::vector<std::string>{"one\n", "two\n", "\n", "three\n"});
  }
}

TEST_CASE("a last line without a line feed gets one when the stream ends") {
  Collected out;
  out.lines.add("half");
  CHECK(out.writes.empty());
  out.lines.finish();
  CHECK(out.writes == std::vector<std::string>{"half\n"});
}

TEST_CASE("a line of exactly the atomic size is one write, a longer one comes in pieces") {
  Collected out;
  const std::string fits(kMaxLogLineBytes - 1, 'x');
  out.lines.add(fits + "\n");
  CHECK(out.writes.size() == 1);
  out.lines.add(fits);
  out.lines.add("yz\n");
  REQUIRE(out.writes.size() == 3);
  CHECK(out.writes[1] == fits + "y");
  CHECK(out.writes[2] == "z\n");
}

TEST_CASE("bytes above the allowance are counted, not passed on, and the last line is closed") {
  Collected out;
  out.allowance.left = 10;
  out.lines.add("12345\n");
  out.lines.add("1234567\n");
  out.lines.add("more");
  out.lines.finish();
  CHECK(out.all() == "12345\n123\n");
  CHECK(out.allowance.left == 0);
  CHECK(out.allowance.withheld == 5 + 4);
}

TEST_CASE("two streams share one allowance") {
  Collected out;
  out.allowance.left = 6;
  OutputLines other(out.allowance,
                    [&out](std::string_view line) { out.writes.emplace_back(line); });
  out.lines.add("abc\n");
  other.add("de\n");
  CHECK(out.all() == "abc\nd\n");
  CHECK(out.allowance.withheld == 2);
}

}  // namespace postlude::extension
