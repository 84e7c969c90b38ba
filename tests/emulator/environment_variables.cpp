#include "tests/emulator/environment_variables.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace postlude::emulator {
namespace {

/// What external extensions do not get.
constexpr std::array<std::string_view, 7> kRuntimeOnly{"AWS_EXECUTION_ENV",
                                                       "AWS_LAMBDA_LOG_GROUP_NAME",
                                                       "AWS_LAMBDA_LOG_STREAM_NAME",
                                                       "AWS_XRAY_CONTEXT_MISSING",
                                                       "AWS_XRAY_DAEMON_ADDRESS",
                                                       "LAMBDA_RUNTIME_DIR",
                                                       "LAMBDA_TASK_ROOT"};

bool runtime_only(std::string_view name) {
  return name.starts_with('_') ||
         std::find(kRuntimeOnly.begin(), kRuntimeOnly.end(), name) != kRuntimeOnly.end();
}

void set(Variables& variables, const std::string& name, const std::string& value) {
  const auto found = std::find_if(
      variables.begin(), variables.end(), [&](const auto& one) { return one.first == name; });
  if (found == variables.end()) {
    variables.emplace_back(name, value);
  } else {
    found->second = value;
  }
}

/// A search path of folders in the layer, behind what the user gave for it.
void extend(Variables& variables, const std::string& name, const std::string& folder) {
  const auto found = std::find_if(variables.begin(), variables.end(), [&](const auto& one) {
    return one.first == name && !one.second.empty();
  });
  set(variables, name, found == variables.end() ? folder : found->second + ":" + folder);
}

/// A snapshot must not hold keys that are old when it is restored (lambda-protocol.md 5).
void add_credentials(Variables& all, const Options& options, const EnvironmentFacts& facts) {
  if (options.init_type == InitType::snap_start) {
    all.emplace_back("AWS_CONTAINER_CREDENTIALS_FULL_URI",
                     "http://" + facts.api + kCredentialsPath);
    all.emplace_back("AWS_CONTAINER_AUTHORIZATION_TOKEN", facts.credentials_token);
    return;
  }
  const AccessKeys keys = access_keys(options);
  all.emplace_back("AWS_ACCESS_KEY_ID", keys.access_key_id);
  all.emplace_back("AWS_SECRET_ACCESS_KEY", keys.secret_access_key);
  all.emplace_back("AWS_SESSION_TOKEN", keys.session_token);
}

Variables platform_variables(const Options& options, const EnvironmentFacts& facts) {
  Variables all{{"AWS_LAMBDA_RUNTIME_API", facts.api},
                {"AWS_LAMBDA_FUNCTION_NAME", options.function_name},
                {"AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"},
                {"AWS_LAMBDA_FUNCTION_MEMORY_SIZE", std::to_string(options.memory_mb)},
                {"AWS_LAMBDA_INITIALIZATION_TYPE", init_type_text(options.init_type)},
                {"AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/" + options.function_name},
                {"AWS_LAMBDA_LOG_STREAM_NAME", facts.log_stream},
                {"AWS_REGION", options.region},
                {"AWS_DEFAULT_REGION", options.region},
                {"AWS_XRAY_CONTEXT_MISSING", "LOG_ERROR"},
                {"AWS_XRAY_DAEMON_ADDRESS", "127.0.0.1:2000"},
                {"_AWS_XRAY_DAEMON_ADDRESS", "127.0.0.1"},
                {"_AWS_XRAY_DAEMON_PORT", "2000"},
                {"_HANDLER", options.handler},
                {"LAMBDA_TASK_ROOT", options.function_dir},
                {"LAMBDA_RUNTIME_DIR", "/var/runtime"},
                {"TZ", ":UTC"},
                {"LANG", "en_US.UTF-8"},
                {"PATH", facts.path}};
  add_credentials(all, options, facts);
  if (options.init_type == InitType::managed_instances) {
    all.emplace_back("AWS_LAMBDA_MAX_CONCURRENCY", std::to_string(options.concurrency));
  }
  if (options.log_format == LogFormat::json) {
    all.emplace_back("AWS_LAMBDA_LOG_FORMAT", "JSON");
  }
  if (options.runtime.kind == RuntimeKind::managed) {
    const std::string& identifier = options.runtime.identifier;
    all.emplace_back("AWS_EXECUTION_ENV",
                     "AWS_Lambda_" + (identifier.empty() ? "emulated" : identifier));
  }
  return all;
}

}  // namespace

AccessKeys access_keys(const Options& options) {
  AccessKeys keys{"AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "emulated"};
  for (const auto& [name, value] : options.variables) {
    if (name == "AWS_ACCESS_KEY_ID") {
      keys.access_key_id = value;
    } else if (name == "AWS_SECRET_ACCESS_KEY") {
      keys.secret_access_key = value;
    } else if (name == "AWS_SESSION_TOKEN") {
      keys.session_token = value;
    }
  }
  return keys;
}

Variables runtime_variables(const Options& options, const EnvironmentFacts& facts) {
  Variables all = platform_variables(options, facts);
  for (const auto& [name, value] : options.variables) {
    set(all, name, value);
  }
  extend(all, "LD_LIBRARY_PATH", options.function_dir + "/lib");
  if (!options.layer_dir.empty()) {
    extend(all, "PATH", options.layer_dir + "/bin");
    extend(all, "LD_LIBRARY_PATH", options.layer_dir + "/lib");
    extend(all, "NODE_PATH", options.layer_dir + "/nodejs/node_modules");
    extend(all, "PYTHONPATH", options.layer_dir + "/python");
    extend(all, "RUBYLIB", options.layer_dir + "/ruby/lib");
  }
  return all;
}

Variables extension_variables(const Options& options, const EnvironmentFacts& facts) {
  Variables all = runtime_variables(options, facts);
  std::erase_if(all, [](const auto& one) { return runtime_only(one.first); });
  return all;
}

}  // namespace postlude::emulator
