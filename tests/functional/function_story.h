#pragma once

#include "common/unique_fd.h"
#include "tests/functional/local_lambda.h"

#include <nlohmann/json_fwd.hpp>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace postlude::testing {

/// A sample function with the built layer attached, as a user would configure it.
struct FunctionSpec {
  std::string name;  ///< folder below tests/functions
  std::string handler = "index.handler";
  std::string tasks = {};  ///< POSTLUDE_TASKS; empty: not set
  std::vector<std::pair<std::string, std::string>> env = {};
  std::vector<std::string> options = {};  ///< of the emulator
};

[[nodiscard]] std::string built_layer();
[[nodiscard]] std::string sample_function(const std::string& name);

/// The folder of the npm packages that functions of the stories may load.
[[nodiscard]] std::string test_tools();

/// On Node.js and AWS's own runtime client.
[[nodiscard]] LambdaSetup node_function(const FunctionSpec& spec);
/// On the machine's Python or Ruby and a runtime client of ours (tests/runtimes).
[[nodiscard]] LambdaSetup python_function(const FunctionSpec& spec);
[[nodiscard]] LambdaSetup ruby_function(const FunctionSpec& spec);
/// On `provided`: the folder's program named by the handler, started by the layer's bootstrap.
[[nodiscard]] LambdaSetup provided_function(const FunctionSpec& spec);
/// The same function as it was before the layer was attached.
[[nodiscard]] LambdaSetup without_layer(LambdaSetup setup);

/// A command of one shell script as a task: {"name": ..., "command": ["sh", "-c", script]} and what
/// `more` adds (JSON members, each behind a comma).
[[nodiscard]] std::string shell_task(std::string_view name,
                                     std::string_view script,
                                     std::string_view more = "");
/// "[a, b]"
[[nodiscard]] std::string task_list(const std::vector<std::string>& tasks);

/// Holds processes of a function back until the test lets them go: `read x <"$GATE"` in a shell.
class Gate {
 public:
  explicit Gate(std::string path);
  [[nodiscard]] const std::string& path() const { return path_; }
  /// One waiting reader (now or later) goes on.
  void let_one_pass() const;

 private:
  std::string path_;
  UniqueFd fd_;
};

/// Waits for the END line; the receipts of that invocation before it, in order.
[[nodiscard]] std::vector<nlohmann::json> receipts(LocalLambda& lambda,
                                                   const std::string& request_id);
/// The same where there must be exactly one.
[[nodiscard]] nlohmann::json receipt(LocalLambda& lambda, const std::string& request_id);
/// Its entry for the task of that name.
[[nodiscard]] nlohmann::json task_in(const nlohmann::json& receipt, std::string_view name);

/// Index of the first line that contains `part`; throws if there is none.
[[nodiscard]] std::size_t line_of(const LocalLambda& lambda, std::string_view part);
[[nodiscard]] std::size_t count_lines(const LocalLambda& lambda, std::string_view part);

/// The programs that are left in a frozen environment, sorted: {"node", "postlude", ...}.
[[nodiscard]] std::vector<std::string> programs_in(const LambdaEvent& frozen);
/// What is there when nothing but the function and Postlude lives.
[[nodiscard]] std::vector<std::string> idle_programs(std::string_view runtime = "node");

/// Processes of that program (any, if empty) that were started with `variable` ("NAME=value").
[[nodiscard]] std::vector<pid_t> processes_with(std::string_view variable,
                                                std::string_view program = "");

}  // namespace postlude::testing
