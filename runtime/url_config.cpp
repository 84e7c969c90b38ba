#include "runtime/url_config.h"

#include "common/http_head.h"
#include "common/url.h"

#include <fmt/format.h>

#include <string_view>

namespace postlude::runtime {
namespace {

/// Stands for what a reference brings: it is percent-encoded, and so never ends a part of the URL.
constexpr std::string_view kAnyValue = "x";
/// Stands for scheme and host where only what follows them can be checked.
constexpr std::string_view kAnyHost = "https://x/";

enum class References { as_a_value, left_out };

std::string with(const TemplateText& text, References references) {
  std::string out;
  for (const auto& part : text.parts) {
    if (const auto* const literal = std::get_if<std::string>(&part)) {
      out.append(*literal);
    } else if (references == References::as_a_value) {
      out.append(kAnyValue);
    }
  }
  return out;
}

/// "http" of "http://..."; nothing where the literal text does not begin so.
std::string_view scheme_of(const TemplateText& url) {
  const auto* const start =
      url.parts.empty() ? nullptr : std::get_if<std::string>(&url.parts.front());
  const std::size_t end = start != nullptr ? start->find("://") : std::string::npos;
  return end != std::string::npos ? std::string_view(*start).substr(0, end) : std::string_view();
}

/// What the whole of a URL must be, whatever its references bring.
void check_url(const JsonNode& node,
               const TemplateText& url,
               HostRule rule,
               ProblemList& problems) {
  const auto refuse = [&](std::string message) { problems.add(node.position, std::move(message)); };
  const bool begins_with_reference =
      !url.parts.empty() && std::holds_alternative<Reference>(url.parts.front());
  const std::string_view scheme = scheme_of(url);
  const bool tls = equal_ignoring_case(scheme, "https");
  if (!begins_with_reference && !tls && !equal_ignoring_case(scheme, "http")) {
    refuse(
        fmt::format("\"url\" is {}, expected an absolute http or https URL, or one that begins "
                    "with a reference",
                    in_quotes(node.text)));
    return;
  }
  if (host_is_literal(url)) {
    if (const auto parsed = parse_url(with(url, References::as_a_value)); !parsed) {
      refuse(fmt::format("\"url\" is {}: {}", in_quotes(node.text), parsed.error().message));
    }
    return;
  }
  std::string literal = with(url, References::left_out);
  if (!begins_with_reference) {
    literal.erase(0, scheme.size() + std::string_view("://").size());
  }
  if (const auto parsed = parse_url(std::string(kAnyHost).append(literal)); !parsed) {
    refuse(fmt::format("\"url\" is {}: {}", in_quotes(node.text), parsed.error().message));
  }
  if (!begins_with_reference && !tls) {
    refuse("\"url\" must be https where a template is part of its host");
  }
  if (rule == HostRule::literal_only) {
    refuse(
        "\"url\": a template is part of its host, which needs \"allowHosts\" such as "
        "[\"hooks.slack.com\"] (a literal host ends with \"/\" before the template)");
  }
}

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
  check_url(node, *parsed, rule, templates.problems());
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
        fmt::format(R"("path" is {}, expected one that begins with "/")", in_quotes(node.text)));
  } else if (const auto url = parse_url("https://x" + with(*parsed, References::as_a_value));
             !url) {
    problems.add(node.position,
                 fmt::format("\"path\" is {}: {}", in_quotes(node.text), url.error().message));
  }
  return node.text;
}

}  // namespace postlude::runtime
