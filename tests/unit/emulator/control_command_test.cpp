#include "tests/emulator/control_command.h"

#include <doctest/doctest.h>

using namespace postlude::emulator;  // NOLINT(google-build-using-namespace)

TEST_CASE("a command names its environment, what to do and where or how long") {
  const auto plain = parse_control_command("/environments/2/thaw");
  REQUIRE(plain);
  CHECK(plain->environment == 2);
  CHECK(plain->word == ControlWord::thaw);
  const auto freeze = parse_control_command("/environments/1/freeze?for=3s");
  REQUIRE(freeze);
  CHECK(freeze->word == ControlWord::freeze);
  CHECK(freeze->duration == std::chrono::seconds(3));
  CHECK(parse_control_command("/environments/1/drop-connections")->word ==
        ControlWord::drop_connections);
  const auto cut = parse_control_command("/environments/1/cut-answer?after=100");
  REQUIRE(cut);
  CHECK(cut->word == ControlWord::cut_answer);
  CHECK(cut->after_bytes == 100);
}

TEST_CASE("a command that nobody knows is told") {
  for (const char* wrong : {"/",
                            "/environments/1",
                            "/environments/1/",
                            "/environments/x/freeze",
                            "/environments/1/melt",
                            "/environments/1/freeze?for=3",
                            "/environments/1/freeze?after=3",
                            "/environments/1/thaw?for=3s",
                            "/environments/1/cut-event?after=-1",
                            "/environments/1/cut-event?after"}) {
    CAPTURE(wrong);
    CHECK_FALSE(parse_control_command(wrong).has_value());
  }
}
