#include "tests/emulator/runtime_choice.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace postlude::emulator;  // NOLINT(google-build-using-namespace)

TEST_CASE("a command line is split as a shell splits words") {
  const auto words = [](const std::string& line) {
    return shell_words(line).value_or(std::vector<std::string>{"(error)"});
  };
  using List = std::vector<std::string>;
  CHECK(words("  node  a.js ") == List{"node", "a.js"});
  CHECK(words(R"(sh -c 'a "b" \n' "c 'd' \" \\" e\ f '')") ==
        List{"sh", "-c", R"(a "b" \n)", R"(c 'd' " \)", "e f", ""});
  CHECK(words("a'b'\"c\"") == List{"abc"});
  CHECK(words(R"(printf "a\r\n\$")") == List{"printf", R"(a\r\n$)"});
  CHECK_FALSE(shell_words("a 'b").has_value());
  CHECK_FALSE(shell_words("a \\").has_value());
}

TEST_CASE("an identifier of Lambda is told by its form, whatever its version") {
  for (const char* identifier : {"python3.13",
                                 "python4.0",
                                 "nodejs22.x",
                                 "nodejs100.x",
                                 "ruby3.4",
                                 "java21",
                                 "java8.al2",
                                 "dotnet8",
                                 "dotnetcore3.1",
                                 "go1.x",
                                 "provided",
                                 "provided.al2",
                                 "provided.al2023"}) {
    CAPTURE(identifier);
    CHECK(is_runtime_identifier(identifier));
  }
  for (const char* other :
       {"python3", "python3.13 x.py", "nodejs22", "node", "ruby", "provided.x", "", "Python3.13"}) {
    CAPTURE(other);
    CHECK_FALSE(is_runtime_identifier(other));
  }
}

TEST_CASE("an identifier becomes an interpreter and a script, which a wrapper can take apart") {
  using Words = std::vector<std::string>;
  const auto command = [](const std::string& text) {
    return choose_runtime(text, "/build/runtimes").value_or(RuntimeChoice{}).command;
  };
  CHECK(command("python3.13") == Words{"python3", "/build/runtimes/python/bootstrap.py"});
  CHECK(command("ruby3.4") == Words{"ruby", "/build/runtimes/ruby/bootstrap.rb"});
  CHECK(command("nodejs22.x") ==
        Words{"/build/runtimes/nodejs/node", "/build/runtimes/nodejs/bootstrap.mjs"});
  CHECK(choose_runtime("python3.13", "/build/runtimes")->identifier == "python3.13");
}

TEST_CASE("an OS-only runtime has no command, a command line has no identifier") {
  for (const char* text : {"provided", "provided.al2023"}) {
    const auto provided = choose_runtime(text, "/build/runtimes");
    REQUIRE(provided.has_value());
    CHECK(provided->kind == RuntimeKind::provided);
    CHECK(provided->command.empty());
  }
  const auto command = choose_runtime("python3.13 'my runtime.py'", "/build/runtimes");
  REQUIRE(command.has_value());
  CHECK(command->kind == RuntimeKind::managed);
  CHECK(command->command == std::vector<std::string>{"python3.13", "my runtime.py"});
  CHECK(command->identifier.empty());
}

TEST_CASE("a language without a launcher is told how to start") {
  for (const char* identifier : {"java21", "dotnet8", "go1.x"}) {
    CAPTURE(identifier);
    const auto chosen = choose_runtime(identifier, "/build/runtimes");
    REQUIRE_FALSE(chosen.has_value());
    CHECK(chosen.error().message.find(identifier) != std::string::npos);
    CHECK(chosen.error().message.find("--runtime 'CMD ...'") != std::string::npos);
  }
  CHECK_FALSE(runtime_of_identifier("python", "/build/runtimes").has_value());
  CHECK_FALSE(choose_runtime("  ", "/build/runtimes").has_value());
}
