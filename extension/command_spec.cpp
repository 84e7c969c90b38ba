#include "extension/command_spec.h"

#include <fmt/format.h>

#include <sys/stat.h>

#include <csignal>

namespace postlude::extension {
namespace {

/// What execvp searches where PATH is not set.
constexpr std::string_view kDefaultPath = "/usr/local/bin:/bin:/usr/bin";

Environment command_environment(const CommandAction& action, const CommandContext& context) {
  const TaskRecord& record = context.record;
  Environment environment = context.environment;
  // The runtime's private channel for its log; a descriptor of that number would be somebody
  // else's.
  environment.erase("_LAMBDA_TELEMETRY_LOG_FD");
  environment.erase("_X_AMZN_TRACE_ID");
  if (!record.trace_id.empty()) {
    environment.set("_X_AMZN_TRACE_ID", record.trace_id);
  }
  for (const auto& [name, value] : action.env) {
    environment.set(name, value);
  }
  environment.set("POSTLUDE_TASK", record.task.name);
  environment.set("POSTLUDE_TASK_ID", record.id);
  environment.set("POSTLUDE_ATTEMPT", std::to_string(context.attempt));
  environment.set("POSTLUDE_REQUEST_ID", record.key.request_id);
  environment.set("POSTLUDE_DEADLINE_MS", std::to_string(epoch_ms(context.work_deadline)));
  return environment;
}

bool is_folder(const std::string& path) {
  struct stat info = {};
  return ::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

std::string working_directory(const CommandAction& action, const std::string& task_root) {
  if (!action.cwd || action.cwd->empty()) {
    return task_root;
  }
  return action.cwd->starts_with('/') || task_root.empty()
             ? *action.cwd
             : fmt::format("{}/{}", task_root, *action.cwd);
}

}  // namespace

Result<ChildSpec> command_spec(const CommandAction& action, const CommandContext& context) {
  if (action.argv.empty()) {
    return fail("the command is empty");
  }
  ChildSpec spec;
  spec.argv = action.argv;
  spec.environment = command_environment(action, context);
  const std::string_view path = spec.environment.get_or("PATH", kDefaultPath);
  auto program = find_program(action.argv.front(), path, context.task_root);
  if (!program) {
    return tl::unexpected(program.error());
  }
  spec.program = std::move(*program);
  spec.working_directory = working_directory(action, context.task_root);
  if (!spec.working_directory.empty() && !is_folder(spec.working_directory)) {
    return fail(fmt::format("the working directory {} does not exist (key \"cwd\")",
                            spec.working_directory));
  }
  // A successor of ours runs the task again, so it must not go on without us.
  spec.parent_death_signal = SIGKILL;
  return spec;
}

std::string explain_start_failure(const ChildSpec& spec, const Error& error) {
  if (error.code == ErrorCode::not_found) {
    return fmt::format("{} exists, but the interpreter or loader that it names does not",
                       spec.program);
  }
  if (error.message.find("Exec format error") != std::string::npos) {
    return fmt::format(
        "{} is no program of this machine (wrong architecture, or a script without a #! line)",
        spec.program);
  }
  return error.message;
}

}  // namespace postlude::extension
