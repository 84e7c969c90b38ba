// The samples of README.md for languages without a helper module, run as they stand there.
#include "common/base64.h"
#include "tests/fakes/temp_dir.h"
#include "tests/functional/function_story.h"
#include "tests/functional/local_lambda.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <unistd.h>

#include <fstream>
#include <iterator>
#include <string>
#include <vector>

using namespace postlude::testing;  // NOLINT(google-build-using-namespace)

namespace {

/// The code blocks that follow this line, up to the next text.
std::vector<std::string> samples_below(const std::string& line) {
  std::ifstream file(sample_function("scripted") + "/../../../README.md");
  const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  std::size_t at = text.find("\n" + line + "\n");
  REQUIRE(at != std::string::npos);
  at = text.find("\n```", at);
  std::vector<std::string> blocks;
  while (text.compare(at, 4, "\n```") == 0) {
    const std::size_t begin = text.find('\n', at + 1) + 1;
    const std::size_t end = text.find("\n```\n", begin);
    blocks.push_back(text.substr(begin, end - begin + 1));
    at = end + 5;
  }
  return blocks;
}

/// From where `begin` stands up to `end`, or to the end.
std::string part(const std::string& text, const std::string& begin, const std::string& end = {}) {
  const std::size_t from = text.find(begin);
  REQUIRE(from != std::string::npos);
  const std::size_t to = end.empty() ? text.size() : text.find(end, from);
  REQUIRE(to != std::string::npos);
  return text.substr(from, to - from);
}

std::string event_of(const std::string& script) {
  return nlohmann::json({{"script", postlude::base64_encode(script)}}).dump();
}

LambdaSetup function() {
  return provided_function(
      {.name = "scripted",
       .handler = "main",
       .tasks = task_list(
           {shell_task("audit", R"sh(echo "audited $(cat)")sh", R"(,"trigger":"demand")")})});
}

void check_answer_and_task(LocalLambda& lambda, const std::string& script) {
  const InvokeResult result = lambda.invoke(event_of(script));
  CHECK(result.function_error().empty());
  CHECK(result.body() == "{\"statusCode\": 202}");
  CHECK(task_in(receipt(lambda, result.request_id()), "audit").at("state") == "done");
  static_cast<void>(lambda.wait_for_log("audited "));
}

/// A program of one file; `id` is its argument.
std::string java(const std::string& members, const std::string& statements) {
  const std::string program =
      "import java.net.*;\nimport java.net.http.*;\nimport java.nio.ByteBuffer;\n"
      "import java.util.concurrent.*;\n\nclass Sample {\n" +
      members +
      "public static void main(String[] arguments) throws Exception {\nvar id = arguments[0];\n" +
      statements + "}\n}\n";
  return "folder=$(mktemp -d)\necho " + postlude::base64_encode(program) +
         " | base64 -d >$folder/Sample.java\njava $folder/Sample.java $id 2>&1\nrm -r $folder\n";
}

}  // namespace

TEST_CASE("the shell sample answers, answers in pieces and hands a task over") {
  const auto blocks = samples_below("A shell runtime, with `curl`:");
  REQUIRE(blocks.size() == 1);
  const std::string begin =
      "head=$(mktemp)\nprintf 'Lambda-Runtime-Aws-Request-Id: %s\\r\\n' \"$id\" >\"$head\"\n" +
      part(blocks[0], "id=", "# answer now");
  LocalLambda lambda(function());
  check_answer_and_task(lambda,
                        begin + part(blocks[0], "# answer now", "# or answer in pieces") +
                            part(blocks[0], "# hand a task over"));
  const InvokeResult pieces =
      lambda.invoke(event_of("produce() { echo first; echo second; }\n" + begin +
                             part(blocks[0], "# or answer in pieces", "# hand a task over")));
  CHECK(pieces.body() == "first\nsecond\n");
}

TEST_CASE("the Java sample answers, answers in pieces and hands a task over") {
  if (::access("/usr/bin/java", X_OK) != 0) {
    MESSAGE("skipped: there is no /usr/bin/java");
    return;
  }
  const auto blocks = samples_below("Java (`HttpClient` must be told HTTP/1.1):");
  REQUIRE(blocks.size() == 2);
  LocalLambda lambda(function());
  check_answer_and_task(lambda, java(blocks[0], part(blocks[1], "var json", "var pieces")));
  const InvokeResult pieces =
      lambda.invoke(event_of(java(blocks[0], part(blocks[1], "var pieces"))));
  CHECK(pieces.body() == "a piece");
}
