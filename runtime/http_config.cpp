#include "runtime/http_config.h"

#include "common/allowed_hosts.h"
#include "common/http_head.h"
#include "runtime/http_words.h"
#include "runtime/object_reader.h"
#include "runtime/url_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace postlude::runtime {
namespace {

constexpr std::array<std::string_view, 6> kHttpKeys{
    "method", "url", "headers", "json", "body", "allowHosts"};

/// What HTTP itself says with them is ours to say.
constexpr std::array<std::string_view, 11> kOwnHeaders{"Connection",
                                                       "Content-Length",
                                                       "Expect",
                                                       "Host",
                                                       "Keep-Alive",
                                                       "Proxy-Connection",
                                                       "TE",
                                                       "Trailer",
                                                       "Transfer-Encoding",
                                                       "Upgrade",
                                                       "Proxy-Authorization"};
/// They would end the header, and begin another one.
constexpr std::string_view kLineEnds("\r\n\0", 3);

bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  });
}

void check_header_name(const JsonNode& object, const JsonNode& member, ProblemList& problems) {
  if (!is_token(member.key)) {
    problems.add(member.key_position,
                 fmt::format("{} is no name of a header{}",
                             in_quotes(member.key),
                             member.key.find("${") != std::string::npos
                                 ? ": it may hold no template, its value may"
                                 : ""));
    return;
  }
  const auto same = [&member](std::string_view name) {
    return equal_ignoring_case(name, member.key);
  };
  if (std::any_of(kOwnHeaders.begin(), kOwnHeaders.end(), same)) {
    problems.add(member.key_position,
                 fmt::format("the header {} is not yours to set: the connection needs it",
                             in_quotes(member.key)));
  }
  for (const JsonNode& other : object.items) {
    if (&other == &member) {
      break;
    }
    if (other.key != member.key && same(other.key)) {
      problems.add(member.key_position,
                   fmt::format("the header {} comes twice, the first is {} at {}",
                               in_quotes(member.key),
                               in_quotes(other.key),
                               line_and_column(other.key_position)));
    }
  }
}

class HttpReader {
 public:
  HttpReader(const JsonNode& node, const TemplateReader& templates)
      : node_(node), object_(node, kHttpKeys, templates.problems()), templates_(templates) {}

  HttpAction read() {
    if (const JsonNode* const method = object_.find("method")) {
      action_.method = read_method(*method, templates_.problems()).value_or(action_.method);
    }
    read_headers();
    read_body();
    read_allow_hosts();
    read_url();
    return std::move(action_);
  }

 private:
  void read_headers() {
    const JsonNode* const headers = object_.find("headers");
    if (headers == nullptr) {
      return;
    }
    ProblemList& problems = templates_.problems();
    if (headers->kind != JsonKind::object) {
      problems.add_wrong_type(*headers, "\"headers\"", "an object of strings");
      return;
    }
    report_duplicates(*headers, problems);
    for (const JsonNode& member : headers->items) {
      check_header_name(*headers, member, problems);
      auto value = templates_.text_without(
          member, fmt::format("the header {}", in_quotes(member.key)), kLineEnds);
      action_.headers.emplace_back(member.key, std::move(value).value_or(std::string()));
    }
  }

  void read_body() {
    const JsonNode* const json = object_.find("json");
    const JsonNode* const body = object_.find("body");
    if (json != nullptr) {
      action_.json = templates_.json(*json);
    }
    if (body != nullptr && body->kind != JsonKind::string) {
      templates_.problems().add_wrong_type(
          *body, "\"body\"", "a string (\"json\" takes any other value)");
    } else if (body != nullptr) {
      action_.body = templates_.text(*body, "\"body\"");
    }
    if (json != nullptr && body != nullptr) {
      const auto [first, second] =
          json->position < body->position ? std::pair(json, body) : std::pair(body, json);
      templates_.problems().add(second->key_position,
                                fmt::format("{} stands beside {} at {}, a request has one body",
                                            in_quotes(second->key),
                                            in_quotes(first->key),
                                            line_and_column(first->key_position)));
    }
  }

  void read_allow_hosts() {
    const JsonNode* const list = object_.find("allowHosts");
    if (list == nullptr) {
      return;
    }
    ProblemList& problems = templates_.problems();
    if (list->kind != JsonKind::array) {
      problems.add_wrong_type(*list, "\"allowHosts\"", "an array of strings");
      return;
    }
    if (list->items.empty()) {
      problems.add(list->position, "\"allowHosts\" is empty, it must name a host");
    }
    for (std::size_t index = 0; index < list->items.size(); ++index) {
      const JsonNode& item = list->items[index];
      const std::string label = fmt::format("allowHosts[{}]", index);
      auto host = read_plain_text(item, label, problems);
      if (const auto parsed = parse_allowed_host(host.value_or("x")); !parsed) {
        problems.add(item.position, fmt::format("{}: {}", label, parsed.error().message));
      }
      action_.allow_hosts.push_back(std::move(host).value_or(std::string()));
    }
  }

  void read_url() {
    const JsonNode* const url = object_.find("url");
    if (url == nullptr) {
      if (!object_.misspelt("url")) {
        templates_.problems().add(node_.position, "the key \"url\" is missing");
      }
      return;
    }
    const bool has_allowed_hosts = object_.find("allowHosts") != nullptr;
    action_.url =
        runtime::read_url(
            *url, has_allowed_hosts ? HostRule::listed : HostRule::literal_only, templates_)
            .value_or(std::string());
  }

  const JsonNode& node_;
  ObjectReader object_;
  const TemplateReader& templates_;
  HttpAction action_;
};

}  // namespace

HttpAction read_http(const JsonNode& node, const TemplateReader& templates) {
  if (node.kind != JsonKind::object) {
    templates.problems().add_wrong_type(
        node, "\"http\"", R"(an object such as {"url": "https://..."})");
    return {};
  }
  return HttpReader(node, templates).read();
}

}  // namespace postlude::runtime
