#include "tests/functional/function_story.h"

#include "common/environment.h"
#include "common/json_text.h"
#include "tests/functional/process_probe.h"

#include <nlohmann/json.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <stdexcept>

namespace postlude::testing {
namespace {

std::string required(const char* name) {
  const Environment environment = Environment::of_process();
  const auto value = environment.find(name);
  if (!value) {
    throw std::runtime_error(std::string(name) + " is not set: run the story through ctest");
  }
  return std::string(*value);
}

std::string program_of(pid_t pid) {
  std::string name = file_text("/proc/" + std::to_string(pid) + "/comm");
  name.erase(name.find_last_not_of('\n') + 1);
  return name;
}

LambdaSetup with_layer(const FunctionSpec& spec) {
  LambdaSetup setup{.function_dir = sample_function(spec.name),
                    .layer_dir = built_layer(),
                    .handler = spec.handler,
                    .env = spec.env,
                    .options = spec.options};
  if (!spec.tasks.empty()) {
    setup.env.emplace_back("POSTLUDE_TASKS", spec.tasks);
  }
  return setup;
}

std::string json_string(std::string_view text) {
  return nlohmann::json(text).dump();
}

}  // namespace

std::string built_layer() {
  return required("POSTLUDE_LAYER_DIR");
}

std::string sample_function(const std::string& name) {
  return required("POSTLUDE_FUNCTIONS_DIR") + "/" + name;
}

std::string test_tools() {
  return required("POSTLUDE_TEST_TOOLS");
}

LambdaSetup node_function(const FunctionSpec& spec) {
  LambdaSetup setup = with_layer(spec);
  setup.runtime = "node " + test_tools() + "/aws-lambda-ric/bin/index.mjs " + spec.handler;
  setup.env.emplace_back("AWS_LAMBDA_EXEC_WRAPPER", "/opt/postlude");
  return setup;
}

namespace {

LambdaSetup managed_function(const FunctionSpec& spec, const std::string& interpreter) {
  LambdaSetup setup = with_layer(spec);
  const char* client = interpreter.ends_with("ruby") ? "ruby/bootstrap.rb" : "python/bootstrap.py";
  setup.runtime = interpreter + " " + required("POSTLUDE_FUNCTIONS_DIR") + "/../runtimes/" + client;
  setup.env.emplace_back("AWS_LAMBDA_EXEC_WRAPPER", "/opt/postlude");
  return setup;
}

}  // namespace

LambdaSetup python_function(const FunctionSpec& spec) {
  return managed_function(spec, "/usr/bin/python3");
}

LambdaSetup ruby_function(const FunctionSpec& spec) {
  return managed_function(spec, "/usr/bin/ruby");
}

LambdaSetup provided_function(const FunctionSpec& spec) {
  LambdaSetup setup = with_layer(spec);
  setup.runtime = "provided";
  return setup;
}

LambdaSetup without_layer(LambdaSetup setup) {
  setup.layer_dir.clear();
  std::erase_if(setup.env, [](const auto& variable) {
    return variable.first == "AWS_LAMBDA_EXEC_WRAPPER" || variable.first.starts_with("POSTLUDE_");
  });
  return setup;
}

std::string shell_task(std::string_view name, std::string_view script, std::string_view more) {
  return R"({"name":)" + json_string(name) + R"(,"command":["sh","-c",)" + json_string(script) +
         "]" + std::string(more) + "}";
}

std::string task_list(const std::vector<std::string>& tasks) {
  std::string text;
  for (const std::string& task : tasks) {
    text += (text.empty() ? "[" : ",") + task;
  }
  return text + "]";
}

Gate::Gate(std::string path) : path_(std::move(path)) {
  constexpr mode_t kMode = 0600;
  if (::mkfifo(path_.c_str(), kMode) != 0) {
    throw std::runtime_error("mkfifo " + path_);
  }
  // Both ends: readers wait for bytes then, never for a writer, and see no end.
  fd_.reset(::open(path_.c_str(), O_RDWR | O_CLOEXEC));
}

void Gate::let_one_pass() const {
  if (::write(fd_.get(), "\n", 1) != 1) {
    throw std::runtime_error("write to " + path_);
  }
}

std::vector<nlohmann::json> receipts(LocalLambda& lambda, const std::string& request_id) {
  static_cast<void>(lambda.wait_for_log("END RequestId: " + request_id));
  std::vector<nlohmann::json> found;
  for (const std::string& line : lambda.log()) {
    if (line.starts_with("END RequestId: " + request_id)) {
      return found;
    }
    if (line.find(R"("postlude":"receipt")") != std::string::npos) {
      auto parsed = nlohmann::json::parse(line);
      if (parsed.at("requestId") == request_id) {
        found.push_back(std::move(parsed));
      }
    }
  }
  return found;
}

nlohmann::json receipt(LocalLambda& lambda, const std::string& request_id) {
  auto found = receipts(lambda, request_id);
  if (found.size() != 1) {
    std::string text;
    for (const std::string& line : lambda.log()) {
      text += line + "\n";
    }
    throw std::runtime_error(std::to_string(found.size()) + " receipts of " + request_id + "\n" +
                             text);
  }
  return std::move(found.front());
}

nlohmann::json task_in(const nlohmann::json& receipt, std::string_view name) {
  for (const auto& task : receipt.at("tasks")) {
    if (task.at("name") == name) {
      return task;
    }
  }
  throw std::runtime_error("no task " + std::string(name) + " in " + receipt.dump());
}

std::size_t line_of(const LocalLambda& lambda, std::string_view part) {
  const auto lines = lambda.log();
  const auto found = std::find_if(lines.begin(), lines.end(), [part](const std::string& line) {
    return line.find(part) != std::string::npos;
  });
  if (found == lines.end()) {
    throw std::runtime_error("no line with " + std::string(part));
  }
  return static_cast<std::size_t>(found - lines.begin());
}

std::size_t count_lines(const LocalLambda& lambda, std::string_view part) {
  const auto lines = lambda.log();
  return static_cast<std::size_t>(
      std::count_if(lines.begin(), lines.end(), [part](const std::string& line) {
        return line.find(part) != std::string::npos;
      }));
}

std::vector<std::string> programs_in(const LambdaEvent& frozen) {
  std::vector<std::string> names;
  for (const auto& pid : frozen.json().at("pids")) {
    names.push_back(program_of(pid.get<pid_t>()));
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::vector<std::string> idle_programs(std::string_view runtime) {
  // The kernel keeps 15 characters of a name.
  std::vector<std::string> names{std::string(runtime), "postlude", "postlude-extens"};
  std::sort(names.begin(), names.end());
  return names;
}

std::vector<pid_t> processes_with(std::string_view variable, std::string_view program) {
  std::vector<pid_t> found;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/proc", error)) {
    const std::string name = entry.path().filename().string();
    pid_t pid = 0;
    const auto parsed = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (parsed.ec != std::errc{} || parsed.ptr != name.data() + name.size()) {
      continue;
    }
    const std::string block = '\0' + file_text(entry.path().string() + "/environ");
    if (block.find('\0' + std::string(variable) + '\0') != std::string::npos &&
        (program.empty() || program_of(pid) == program)) {
      found.push_back(pid);
    }
  }
  return found;
}

}  // namespace postlude::testing
