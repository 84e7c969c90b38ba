#include "runtime/url_config.h"

#include "common/http_head.h"
#include "common/json_node.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <string_view>

namespace postlude::runtime {
namespace {

constexpr std::string_view kAuthorityStart = "://";

bool is_allowed(char c) {
  constexpr char kDelete = 0x7f;
  const bool is_ascii = (static_cast<unsigned char>(c) & 0x80U) == 0;
  return !is_ascii || (c > ' ' && c != kDelete && c != '#' && c != '\\');
}

bool is_host(std::string_view host) {
  const auto in = [](std::string_view also) {
    return [also](char c) {
      return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
             also.find(c) != std::string_view::npos;
    };
  };
  if (host.starts_with('[')) {
    return host.size() > 2 && host.ends_with(']') &&
           std::all_of(host.begin() + 1, host.end() - 1, in(":."));
  }
  return !host.empty() && std::all_of(host.begin(), host.end(), in("-._"));
}

/// What is wrong with "host:port"; nothing if it is fine.
std::optional<std::string> find_authority_problem(std::string_view authority) {
  if (authority.find('@') != std::string_view::npos) {
    return "it holds a user name: put credentials into \"headers\"";
  }
  const bool in_brackets = authority.starts_with('[');
  const std::size_t host_end =
      in_brackets ? authority.find(']') + 1 : std::min(authority.find(':'), authority.size());
  const std::string_view host = authority.substr(0, host_end);
  if (!is_host(host)) {
    return host.empty() ? "it names no host" : "its host is no name and no address";
  }
  std::string_view port = authority.substr(host_end);
  if (port.empty()) {
    return std::nullopt;
  }
  port.remove_prefix(1);
  std::uint16_t number = 0;
  const auto [stopped, error] = std::from_chars(port.data(), port.data() + port.size(), number);
  if (authority[host_end] != ':' || error != std::errc() || stopped != port.data() + port.size() ||
      number == 0) {
    return "its port is not a number from 1 to 65535";
  }
  return std::nullopt;
}

/// Every literal part is checked; templates are percent-encoded when they are filled in.
void check_characters(const JsonNode& node,
                      const TemplateText& text,
                      std::string_view label,
                      ProblemList& problems) {
  for (const auto& part : text.parts) {
    const auto* const literal = std::get_if<std::string>(&part);
    if (literal == nullptr) {
      continue;
    }
    const auto wrong = std::find_if_not(literal->begin(), literal->end(), is_allowed);
    if (wrong == literal->end()) {
      continue;
    }
    problems.add(node.position,
                 fmt::format("{} holds {}",
                             label,
                             *wrong == '#' ? "a fragment, which is never sent: leave out \"#\" and "
                                             "what follows (or write %23)"
                                           : "a space, a backslash or a control character: "
                                             "percent-encode it"));
    return;
  }
}

class UrlReader {
 public:
  UrlReader(const JsonNode& node, const TemplateText& url, ProblemList& problems)
      : node_(node), url_(url), problems_(problems) {}

  void check(HostRule rule) const {
    if (node_.text.empty()) {
      problems_.add(node_.position, "\"url\" is empty");
      return;
    }
    check_characters(node_, url_, "\"url\"", problems_);
    const auto* const start = std::get_if<std::string>(&url_.parts.front());
    if (start == nullptr) {
      require_listed(rule);
      return;
    }
    const std::size_t scheme_end = start->find(kAuthorityStart);
    const std::string_view scheme =
        scheme_end != std::string::npos ? std::string_view(*start).substr(0, scheme_end) : "";
    const bool tls = equal_ignoring_case(scheme, "https");
    if (!tls && !equal_ignoring_case(scheme, "http")) {
      problems_.add(
          node_.position,
          fmt::format("\"url\" is {}, expected an absolute http or https URL, or one that "
                      "begins with a reference",
                      in_quotes(node_.text)));
      return;
    }
    const std::string_view rest = std::string_view(*start).substr(scheme.size() + 3);
    if (host_is_literal(url_) || url_.literal()) {
      const std::size_t end = std::min(rest.find_first_of("/?#"), rest.size());
      if (const auto problem = find_authority_problem(rest.substr(0, end))) {
        problems_.add(position_within(node_, scheme.size() + kAuthorityStart.size()),
                      fmt::format("\"url\" is {}: {}", in_quotes(node_.text), *problem));
      }
      return;
    }
    if (!tls) {
      problems_.add(node_.position, "\"url\" must be https where a template is part of its host");
    }
    require_listed(rule);
  }

 private:
  void require_listed(HostRule rule) const {
    if (rule == HostRule::literal_only) {
      problems_.add(node_.position,
                    "\"url\": a template is part of its host, which needs \"allowHosts\" such as "
                    "[\"hooks.slack.com\"] (a literal host ends with \"/\" before the template)");
    }
  }

  const JsonNode& node_;
  const TemplateText& url_;
  ProblemList& problems_;
};

}  // namespace

std::optional<std::string> read_url(const JsonNode& node,
                                    HostRule rule,
                                    const TemplateReader& templates) {
  if (node.kind != JsonKind::string) {
    templates.problems().add_wrong_type(node, "\"url\"", "a string");
    return std::nullopt;
  }
  const auto parsed = templates.parse(node);
  if (!parsed) {
    return std::nullopt;
  }
  UrlReader(node, *parsed, templates.problems()).check(rule);
  return node.text;
}

std::optional<std::string> read_url_path(const JsonNode& node, const TemplateReader& templates) {
  ProblemList& problems = templates.problems();
  if (node.kind != JsonKind::string) {
    problems.add_wrong_type(node, "\"path\"", "a string");
    return std::nullopt;
  }
  const auto parsed = templates.parse(node);
  if (!parsed) {
    return std::nullopt;
  }
  if (!node.text.starts_with('/')) {
    problems.add(
        node.position,
        fmt::format("\"path\" is {}, expected one that begins with \"/\"", in_quotes(node.text)));
  }
  check_characters(node, *parsed, "\"path\"", problems);
  return node.text;
}

}  // namespace postlude::runtime
