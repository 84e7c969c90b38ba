#include "runtime/template_reader.h"

#include "common/json_node.h"
#include "runtime/object_reader.h"

#include <fmt/format.h>

#include <utility>

namespace postlude::runtime {
namespace {

constexpr std::string_view kOpening = "${";

std::string_view name_of(char c) {
  switch (c) {
    case '\0':
      return "a NUL character";
    case '\r':
      return "a carriage return";
    case '\n':
      return "a line feed";
    default:
      return "a character that is not allowed";
  }
}

/// The source of the first reference behind `from`, of a text that is a template.
std::size_t next_reference(std::string_view text, std::size_t from) {
  std::size_t at = text.find(kOpening, from);
  while (at > 0 && at != std::string_view::npos && text[at - 1] == '$') {
    at = text.find(kOpening, at + 1);
  }
  return at + kOpening.size();
}

}  // namespace

std::optional<TemplateText> TemplateReader::parse(const JsonNode& node) const {
  auto parsed = parse_template(node.text);
  if (!parsed) {
    problems_.add(position_within(node, parsed.error().offset),
                  fmt::format("template: {}", parsed.error().message));
    return std::nullopt;
  }
  bool fine = true;
  std::size_t from = 0;
  for (const auto& part : parsed->parts) {
    const auto* const reference = std::get_if<Reference>(&part);
    if (reference == nullptr) {
      continue;
    }
    const std::size_t at = next_reference(node.text, from);
    from = at + reference->text.size();
    auto why = why_forbidden(reference->source, occasion_);
    if (!why && !reference->fallback) {
      why = why_absent(reference->source, occasion_);
      if (why) {
        *why += fmt::format(", or give a fallback: ${{{}:-...}}", reference->text);
      }
    }
    if (why) {
      problems_.add(position_within(node, at),
                    fmt::format("template: {}: {}", reference->text, *why));
      fine = false;
    }
  }
  return fine ? std::optional(std::move(*parsed)) : std::nullopt;
}

std::optional<std::string> TemplateReader::text(const JsonNode& node,
                                                std::string_view label) const {
  if (node.kind != JsonKind::string) {
    problems_.add_wrong_type(node, label, "a string");
    return std::nullopt;
  }
  return parse(node) ? std::optional(node.text) : std::nullopt;
}

std::optional<std::string> TemplateReader::text_without(const JsonNode& node,
                                                        std::string_view label,
                                                        std::string_view characters) const {
  auto value = text(node, label);
  if (value) {
    if (const std::size_t at = value->find_first_of(characters); at != std::string::npos) {
      problems_.add(position_within(node, at),
                    fmt::format("{} holds {}", label, name_of((*value)[at])));
      return std::nullopt;
    }
  }
  return value;
}

std::string TemplateReader::json(const JsonNode& node) const {
  check_strings(node);
  return write_json(node);
}

void TemplateReader::check_strings(const JsonNode& node) const {
  if (node.kind == JsonKind::string) {
    static_cast<void>(parse(node));
  }
  if (node.kind == JsonKind::object) {
    report_duplicates(node, problems_);
  }
  for (const JsonNode& item : node.items) {
    if (item.key.find(kOpening) != std::string::npos) {
      problems_.add(
          item.key_position,
          fmt::format("the key {} holds a template: only values may", in_quotes(item.key)));
    }
    check_strings(item);
  }
}

std::optional<std::string> read_plain_text(const JsonNode& node,
                                           std::string_view label,
                                           ProblemList& problems) {
  if (node.kind != JsonKind::string) {
    problems.add_wrong_type(node, label, "a string");
    return std::nullopt;
  }
  if (const std::size_t at = node.text.find(kOpening); at != std::string::npos) {
    problems.add(position_within(node, at), fmt::format("{} may hold no template", label));
    return std::nullopt;
  }
  return node.text;
}

}  // namespace postlude::runtime
