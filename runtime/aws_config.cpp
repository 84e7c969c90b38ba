#include "runtime/aws_config.h"

#include "common/aws_services.h"
#include "common/near_miss.h"
#include "runtime/http_words.h"
#include "runtime/object_reader.h"
#include "runtime/url_config.h"
#include "runtime/word_reader.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>
#include <vector>

namespace postlude::runtime {
namespace {

constexpr std::array<std::string_view, 8> kAwsKeys{
    "service", "operation", "target", "jsonVersion", "signingName", "method", "path", "input"};

/// An operation, or what stands before it in X-Amz-Target: "DynamoDB_20120810".
bool is_target_name(std::string_view text) {
  constexpr std::size_t kMostBytes = 128;
  return !text.empty() && text.size() <= kMostBytes &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '_' || c == '.' || c == '-';
         });
}

/// The known service that a name may be a misspelling of.
std::optional<std::string> guess_service(std::string_view name) {
  const std::string names = json_service_names();
  std::vector<std::string_view> known;
  for (std::string_view rest = names; !rest.empty();) {
    const std::size_t comma = std::min(rest.find(", "), rest.size());
    known.push_back(rest.substr(0, comma));
    rest.remove_prefix(std::min(comma + 2, rest.size()));
  }
  const auto guess = near_miss(name, known);
  return guess ? std::optional<std::string>(*guess) : std::nullopt;
}

class AwsReader {
 public:
  AwsReader(const JsonNode& node, const TemplateReader& templates)
      : node_(node),
        object_(node, kAwsKeys, templates.problems()),
        templates_(templates),
        problems_(templates.problems()) {}

  AwsAction read() {
    read_service();
    action_.operation = read_name("operation", is_target_name, "a name such as PutItem");
    action_.target = read_name("target", is_target_name, "a name such as DynamoDB_20120810");
    action_.signing_name = read_name("signingName", valid_service_name, "a name such as dynamodb");
    if (const JsonNode* const version = object_.find("jsonVersion")) {
      constexpr std::array<std::string_view, 2> kVersions{"1.0", "1.1"};
      if (const auto word = read_word(*version, "\"jsonVersion\"", kVersions, problems_)) {
        action_.json_version = kVersions.at(*word);
      }
    }
    if (const JsonNode* const method = object_.find("method")) {
      action_.method = read_method(*method, problems_).value_or(std::string());
    }
    if (const JsonNode* const path = object_.find("path")) {
      action_.path = read_url_path(*path, templates_).value_or(std::string());
    }
    read_input();
    check_form();
    return std::move(action_);
  }

 private:
  [[nodiscard]] bool has(std::string_view key) const { return object_.find(key) != nullptr; }

  /// Missing, and not because it is misspelt, which has been reported.
  [[nodiscard]] bool lacks(std::string_view key) const {
    return !has(key) && !object_.misspelt(key);
  }

  std::string read_name(std::string_view key,
                        bool (*valid)(std::string_view),
                        std::string_view expected) {
    const JsonNode* const value = object_.find(key);
    if (value == nullptr) {
      return {};
    }
    auto text = read_plain_text(*value, in_quotes(key), problems_);
    if (text && !valid(*text)) {
      problems_.add(
          value->position,
          fmt::format("{} is {}, expected {}", in_quotes(key), in_quotes(*text), expected));
    }
    return std::move(text).value_or(std::string());
  }

  void read_service() {
    if (lacks("service")) {
      problems_.add(node_.position, "the key \"service\" is missing");
    }
    action_.service = read_name("service", valid_service_name, "a name such as dynamodb");
  }

  void read_input() {
    const JsonNode* const input = object_.find("input");
    if (input == nullptr) {
      return;
    }
    if (input->kind != JsonKind::object) {
      problems_.add_wrong_type(*input, "\"input\"", "an object");
      return;
    }
    action_.input = templates_.json(*input);
  }

  void check_form() {
    const bool is_rest = has("method") || has("path");
    if (!is_rest && lacks("operation")) {
      if (!object_.misspelt("method") && !object_.misspelt("path")) {
        problems_.add(
            node_.position,
            R"(the key "operation" is missing (a REST service needs "method" and "path"))");
      }
    } else if (!is_rest) {
      check_json_protocol();
    } else {
      check_rest();
    }
  }

  void check_rest() {
    for (const std::string_view key : {"method", "path"}) {
      if (lacks(key)) {
        problems_.add(node_.position,
                      fmt::format(R"(the key {} is missing, a REST call has "method" and "path")",
                                  in_quotes(key)));
      }
    }
    for (const std::string_view key : {"operation", "target", "jsonVersion"}) {
      if (const JsonNode* const value = object_.find(key)) {
        problems_.add(
            value->key_position,
            fmt::format(R"({} has no place in a REST call, which has "method" and "path")",
                        in_quotes(key)));
      }
    }
  }

  void check_json_protocol() {
    const AwsService* const known = find_aws_service(action_.service);
    if (!valid_service_name(action_.service) ||
        (known != nullptr && !known->target_prefix.empty())) {
      return;
    }
    std::vector<std::string_view> missing;
    for (const std::string_view key : {"target", "jsonVersion", "signingName"}) {
      if (lacks(key)) {
        missing.push_back(key);
      }
    }
    if (missing.empty()) {
      return;
    }
    problems_.add(object_.find("service")->position,
                  fmt::format(R"("service" is {}, which needs "{}" too{})",
                              in_quotes(action_.service),
                              fmt::join(missing, "\", \""),
                              hint()));
  }

  [[nodiscard]] std::string hint() const {
    if (const auto guess = guess_service(action_.service)) {
      return fmt::format("; did you mean {}?", in_quotes(*guess));
    }
    return fmt::format(" (known without them: {})", json_service_names());
  }

  const JsonNode& node_;
  ObjectReader object_;
  const TemplateReader& templates_;
  ProblemList& problems_;
  AwsAction action_;
};

}  // namespace

AwsAction read_aws(const JsonNode& node, const TemplateReader& templates) {
  if (node.kind != JsonKind::object) {
    templates.problems().add_wrong_type(
        node, "\"aws\"", R"(an object such as {"service": "dynamodb", "operation": "PutItem"})");
    return {};
  }
  return AwsReader(node, templates).read();
}

}  // namespace postlude::runtime
