#include "tests/emulator/template_function.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>

namespace postlude::emulator {
namespace {

constexpr std::string_view kServerless = "AWS::Serverless::Function";
constexpr std::string_view kPlain = "AWS::Lambda::Function";

bool is_function(const CfnNode& resource) {
  return type_of(resource) == kServerless || type_of(resource) == kPlain;
}

std::vector<std::string> function_ids(const CfnScope& scope) {
  std::vector<std::string> ids;
  for (const auto& [id, resource] : scope.document().find("Resources")->members) {
    if (is_function(resource)) {
      ids.push_back(id);
    }
  }
  return ids;
}

/// As SAM does it: maps are merged, lists put together, the function's own text wins.
CfnNode merged(const CfnNode& global, const CfnNode& own) {
  if (global.kind != own.kind || own.kind == CfnNode::Kind::text) {
    return own;
  }
  CfnNode result = global;
  result.line = own.line;
  result.items.insert(result.items.end(), own.items.begin(), own.items.end());
  for (const auto& [name, member] : own.members) {
    const auto found = std::find_if(result.members.begin(),
                                    result.members.end(),
                                    [&key = name](const auto& one) { return one.first == key; });
    if (found == result.members.end()) {
      result.members.emplace_back(name, member);
    } else {
      found->second = merged(found->second, member);
    }
  }
  return result;
}

CfnNode properties_of(const CfnScope& scope, const CfnNode& resource) {
  CfnNode own;
  own.kind = CfnNode::Kind::map;
  own.line = resource.line;
  if (const CfnNode* given = resource.find("Properties")) {
    own = *given;
  }
  const CfnNode* globals = scope.document().find("Globals");
  const CfnNode* shared = globals == nullptr ? nullptr : globals->find("Function");
  return shared == nullptr || type_of(resource) != kServerless ? own : merged(*shared, own);
}

/// Reads the properties of one function; remembers the first thing that is wrong.
class FunctionReader {
 public:
  FunctionReader(const CfnScope& scope, std::string id, const CfnNode& resource)
      : scope_(scope),
        id_(std::move(id)),
        type_(type_of(resource)),
        properties_(properties_of(scope, resource)) {}

  Result<TemplateFunction> read(const std::set<std::string>& known_variables) {
    TemplateFunction function{.name = text(properties_.find("FunctionName"), id_),
                              .code = code(),
                              .runtime = runtime(),
                              .layer = layer(),
                              .handler = text(properties_.find("Handler"), ""),
                              .timeout_seconds = number("Timeout", 3),
                              .memory_mb = number("MemorySize", 128),
                              .variables = variables(known_variables)};
    if (text(inner("FunctionUrlConfig", "InvokeMode"), "BUFFERED") == "RESPONSE_STREAM") {
      function.url_mode = UrlMode::stream;
    }
    if (text(inner("LoggingConfig", "LogFormat"), "Text") == "JSON") {
      function.log_format = LogFormat::json;
    }
    if (problem_) {
      return fail(problem_->message);
    }
    return function;
  }

 private:
  [[nodiscard]] const CfnNode* inner(std::string_view outer, std::string_view name) const {
    const CfnNode* map = properties_.find(outer);
    return map == nullptr ? nullptr : map->find(name);
  }

  tl::unexpected<Error> error(const CfnNode* where, const std::string& message) const {
    return scope_.error(where == nullptr ? properties_.line : where->line,
                        fmt::format("{}: {}", id_, message));
  }

  void remember(Error problem) {
    if (!problem_) {
      problem_ = std::move(problem);
    }
  }

  [[nodiscard]] Result<std::string> try_text(const CfnNode& node) const {
    auto value = scope_.resolve(node);
    if (!value) {
      return tl::unexpected(value.error());
    }
    if (*value && (*value)->kind != CfnNode::Kind::text && (*value)->kind != CfnNode::Kind::null) {
      return error(&node, "text is needed here, not a list or a map");
    }
    return *value ? (*value)->text : std::string();
  }

  std::string text(const CfnNode* node, const std::string& standard) {
    if (node == nullptr) {
      return standard;
    }
    auto value = try_text(*node);
    if (!value) {
      remember(value.error());
      return standard;
    }
    return *value;
  }

  int number(std::string_view name, int standard) {
    const CfnNode* node = properties_.find(name);
    const std::string digits = text(node, std::to_string(standard));
    int value = 0;
    const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (parsed.ec != std::errc{} || parsed.ptr != digits.data() + digits.size() || value < 1) {
      remember(error(node, fmt::format("{} is '{}', not a whole number", name, digits)).value());
      return standard;
    }
    return value;
  }

  [[nodiscard]] Result<std::string> code() const {
    const bool serverless = type_ == kServerless;
    const char* name = serverless ? "CodeUri" : "Code";
    const CfnNode* node = properties_.find(name);
    if (properties_.find("InlineCode") != nullptr) {
      return error(properties_.find("InlineCode"),
                   "its code stands in the template; put it into a folder and give that by "
                   "--function DIR");
    }
    if (properties_.find("ImageUri") != nullptr || node == nullptr) {
      return error(nullptr,
                   fmt::format("it has no {} (a container image?); give the folder of its code by "
                               "--function DIR",
                               name));
    }
    if (node->kind == CfnNode::Kind::map && node->members.size() != 1) {
      return error(
          node, fmt::format("{} is no folder of this machine; give one by --function DIR", name));
    }
    auto path = try_text(*node);
    if (path && path->starts_with("s3://")) {
      return error(node, "CodeUri lies in S3; give its folder by --function DIR");
    }
    return path;
  }

  [[nodiscard]] Result<std::string> runtime() const {
    const CfnNode* node = properties_.find("Runtime");
    if (node == nullptr) {
      return error(nullptr, "it has no Runtime; give a command by --runtime 'CMD ...'");
    }
    return try_text(*node);
  }

  [[nodiscard]] Result<TemplateLayer> layer() const {
    const CfnNode* node = properties_.find("Layers");
    if (node == nullptr) {
      return TemplateLayer{};
    }
    const auto value = scope_.resolve(*node);
    if (!value) {
      return tl::unexpected(value.error());
    }
    if (!*value || (*value)->items.empty()) {
      return TemplateLayer{};
    }
    if ((*value)->items.size() > 1) {
      return error(node,
                   fmt::format("it has {} layers and one folder stands for /opt here; put their "
                               "contents into one and give that by --layer DIR",
                               (*value)->items.size()));
    }
    return layer_of(*node, (*value)->items.front().text);
  }

  [[nodiscard]] Result<TemplateLayer> layer_of(const CfnNode& where, const std::string& arn) const {
    for (const auto& [id, resource] : scope_.document().find("Resources")->members) {
      const std::string type = type_of(resource);
      if (type != "AWS::Serverless::LayerVersion" && type != "AWS::Lambda::LayerVersion") {
        continue;
      }
      const auto own = scope_.resolve(reference_to(id, where.line));
      if (own && *own && (*own)->text == arn) {
        return describe_layer(id, resource);
      }
    }
    return error(&where, arn + " is no layer of this template; give its folder by --layer DIR");
  }

  static CfnNode reference_to(const std::string& id, int line) {
    CfnNode node;
    node.kind = CfnNode::Kind::map;
    node.line = line;
    node.members.emplace_back("Ref", cfn_text(id, line));
    return node;
  }

  [[nodiscard]] Result<TemplateLayer> describe_layer(const std::string& id,
                                                     const CfnNode& resource) const {
    const CfnNode* metadata = resource.find("Metadata");
    TemplateLayer layer{
        .id = id,
        .content = {},
        .is_built = metadata != nullptr && metadata->find("BuildMethod") != nullptr};
    const CfnNode* properties = resource.find("Properties");
    const CfnNode* content = properties == nullptr ? nullptr : properties->find("ContentUri");
    if (content == nullptr || layer.is_built) {
      return layer;
    }
    auto path = try_text(*content);
    if (!path) {
      return tl::unexpected(path.error());
    }
    layer.content = std::move(*path);
    return layer;
  }

  std::vector<std::pair<std::string, std::string>> variables(const std::set<std::string>& known) {
    std::vector<std::pair<std::string, std::string>> all;
    const CfnNode* node = inner("Environment", "Variables");
    if (node == nullptr) {
      return all;
    }
    for (const auto& [name, value] : node->members) {
      if (known.contains(name)) {
        continue;
      }
      auto resolved = try_text(value);
      if (resolved) {
        all.emplace_back(name, std::move(*resolved));
      } else {
        remember(
            {ErrorCode::failed,
             fmt::format(
                 "{} (the variable {}; --env {}=... wins)", resolved.error().message, name, name)});
      }
    }
    return all;
  }

  const CfnScope& scope_;
  const std::string id_;
  const std::string type_;
  const CfnNode properties_;
  std::optional<Error> problem_;
};

Result<std::string> chosen_id(const CfnScope& scope, const std::string& asked) {
  const std::vector<std::string> ids = function_ids(scope);
  if (asked.empty() && ids.size() == 1) {
    return ids.front();
  }
  const CfnNode* resource = asked.empty() ? nullptr : scope.resource(asked);
  if (resource != nullptr && is_function(*resource)) {
    return asked;
  }
  const std::string known = ids.empty() ? "this template has no function"
                                        : fmt::format("its functions are {}", fmt::join(ids, ", "));
  if (asked.empty()) {
    return scope.error(1, "--resource NAME is missing: " + known);
  }
  return resource == nullptr
             ? scope.error(1, fmt::format("there is no resource '{}': {}", asked, known))
             : scope.error(resource->line,
                           fmt::format("{} is {}: {}", asked, type_of(*resource), known));
}

Result<void> check_condition(const CfnScope& scope,
                             const std::string& id,
                             const CfnNode& resource) {
  const CfnNode* name = resource.find("Condition");
  if (name == nullptr) {
    return {};
  }
  const auto holds = scope.condition(name->text, name->line);
  if (!holds) {
    return tl::unexpected(holds.error());
  }
  return *holds ? Result<void>()
                : scope.error(name->line,
                              fmt::format("{} is in no stack where the condition {} is false; its "
                                          "parameters are given by --parameter NAME=VALUE",
                                          id,
                                          name->text));
}

}  // namespace

Result<TemplateFunction> find_function(const CfnScope& scope, const TemplateQuestion& question) {
  const auto id = chosen_id(scope, question.resource);
  if (!id) {
    return tl::unexpected(id.error());
  }
  const CfnNode& resource = *scope.resource(*id);
  if (auto checked = check_condition(scope, *id, resource); !checked) {
    return tl::unexpected(checked.error());
  }
  return FunctionReader(scope, *id, resource).read(question.known_variables);
}

}  // namespace postlude::emulator
