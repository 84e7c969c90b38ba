#include "common/action_json.h"

#include "common/json_members.h"
#include "common/object_text.h"

#include <utility>

namespace postlude {
namespace {

std::string to_json(const CommandAction& action) {
  ObjectText object;
  object.texts("argv", action.argv);
  if (!action.env.empty()) {
    object.pairs("env", action.env);
  }
  if (action.cwd) {
    object.text("cwd", *action.cwd);
  }
  return object.take();
}

std::string to_json(const HttpAction& action) {
  ObjectText object;
  object.text("method", action.method).text("url", action.url);
  if (!action.headers.empty()) {
    object.pairs("headers", action.headers);
  }
  if (action.json) {
    object.json("json", *action.json);
  }
  if (action.body) {
    object.text("body", *action.body);
  }
  if (!action.allow_hosts.empty()) {
    object.texts("allowHosts", action.allow_hosts);
  }
  return object.take();
}

std::string to_json(const SendAction& action) {
  ObjectText object;
  object.text("to", action.to);
  if (action.body) {
    object.json("body", *action.body);
  }
  return object.take();
}

std::string to_json(const AwsAction& action) {
  ObjectText object;
  object.text("service", action.service);
  using Member = std::pair<std::string_view, const std::string&>;
  for (const auto& [key, value] : {Member("operation", action.operation),
                                   Member("target", action.target),
                                   Member("jsonVersion", action.json_version),
                                   Member("signingName", action.signing_name),
                                   Member("method", action.method),
                                   Member("path", action.path)}) {
    if (!value.empty()) {
      object.text(key, value);
    }
  }
  return object.json("input", action.input).take();
}

std::string to_json(const HandlerAction& action) {
  ObjectText object;
  if (action.event) {
    object.json("event", *action.event);
  }
  return object.take();
}

Action read_command(JsonMembers& members) {
  CommandAction action;
  action.argv = members.texts("argv");
  if (action.argv.empty()) {
    members.refuse("argv", "names no program");
  }
  action.env = members.optional_pairs("env");
  action.cwd = members.optional_text("cwd");
  return action;
}

Action read_http(JsonMembers& members) {
  HttpAction action;
  action.method = members.text("method");
  action.url = members.text("url");
  action.headers = members.optional_pairs("headers");
  action.json = members.optional_json("json");
  action.body = members.optional_text("body");
  if (action.json && action.body) {
    members.refuse("body", "stands beside json");
  }
  action.allow_hosts = members.optional_texts("allowHosts");
  return action;
}

Action read_send(JsonMembers& members) {
  return SendAction{members.text("to"), members.optional_json("body")};
}

Action read_aws(JsonMembers& members) {
  const auto optional = [&members](std::string_view name) {
    return members.optional_text(name).value_or(std::string());
  };
  AwsAction action;
  action.service = members.text("service");
  action.operation = optional("operation");
  action.target = optional("target");
  action.json_version = optional("jsonVersion");
  action.signing_name = optional("signingName");
  action.method = optional("method");
  action.path = optional("path");
  if (members.need("input", JsonKind::object) != nullptr) {
    action.input = members.optional_json("input").value();
  }
  return action;
}

Action read_handler(JsonMembers& members) {
  return HandlerAction{members.optional_json("event")};
}

}  // namespace

std::string action_to_json(const Action& action) {
  return std::visit([](const auto& one) { return to_json(one); }, action);
}

Result<Action> action_from_json(std::size_t index, const JsonNode& value) {
  constexpr std::array<Action (*)(JsonMembers&), kActionKeys.size()> kReaders{
      read_command, read_http, read_send, read_aws, read_handler};
  JsonMembers members(value, "it");
  Action action = kReaders.at(index)(members);
  if (!members.problem().empty()) {
    return fail(std::string(kActionKeys.at(index)) + ": " + members.problem());
  }
  return action;
}

}  // namespace postlude
