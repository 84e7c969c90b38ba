#include "extension/lone_surrogates.h"

#include <doctest/doctest.h>

namespace postlude::extension {

TEST_CASE("half a surrogate pair becomes U+FFFD") {
  CHECK(without_lone_surrogates(R"({"a":"x\ud800y"})") == R"({"a":"x\ufffdy"})");
  CHECK(without_lone_surrogates(R"("\uDC00")") == R"("\ufffd")");
  CHECK(without_lone_surrogates(R"("\udc00\ud800")") == R"("\ufffd\ufffd")");
  CHECK(without_lone_surrogates(R"("\ud83d\ud83d\ude00\ude00")") ==
        R"("\ufffd\ud83d\ude00\ufffd")");
  CHECK(without_lone_surrogates(R"({"\uD800":"\udbff\n"})") == R"({"\ufffd":"\ufffd\n"})");
}

TEST_CASE("everything else stays as it is") {
  for (const char* json : {R"("")",
                           R"("\ud83d\ude00")",
                           R"("\uD83D\uDE00")",
                           R"("\ud7ff\ue000\u0000")",
                           R"("\\ud800")",
                           R"("\\\\ud800 \"ud800")",
                           R"("\ud8")",
                           R"("\ud80x")",
                           R"("\u+d80")",
                           R"(\)",
                           R"([1, {"a": null}])"}) {
    CHECK(without_lone_surrogates(json) == json);
  }
}

TEST_CASE("an escape that is cut off is not read") {
  const std::string_view pair = R"("\ud83d\ude00)";
  for (std::size_t size = 0; size < pair.size(); ++size) {
    const std::string cut = without_lone_surrogates(pair.substr(0, size));
    CHECK(cut ==
          (size < 7 ? pair.substr(0, size) : R"("\ufffd)" + std::string(pair.substr(7, size - 7))));
  }
}

}  // namespace postlude::extension
