#include "extension/template_renderer.h"

#include "extension/json_escape.h"
#include "extension/json_strings.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace postlude::extension {
namespace {

TemplateError fail_at(const std::string& place, std::string_view why) {
  return TemplateError(TemplateFailure{fmt::format("{}: {}", place, why)});
}

TemplateError fail_at(const std::string& place, const Reference& reference, std::string_view why) {
  return fail_at(place, fmt::format("${{{}}} {}", reference.text, why));
}

/// Where a value is missing.
std::string_view source_in_words(ReferenceSource source) {
  constexpr std::array<std::string_view, 9> kWords{"the event",
                                                   "the event",
                                                   "the response",
                                                   "the payload",
                                                   "the error",
                                                   "the context",
                                                   "the environment",
                                                   "Secrets Manager",
                                                   "Parameter Store"};
  return kWords.at(static_cast<std::size_t>(source));
}

bool is_unreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("-._~").find(c) != std::string_view::npos;
}

/// RFC 3986, section 2.
std::string percent_encoded(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (is_unreserved(c)) {
      out.push_back(c);
    } else {
      fmt::format_to(std::back_inserter(out), "%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

bool is_control(char c) {
  constexpr unsigned char kSpace = 0x20;
  constexpr unsigned char kDelete = 0x7f;
  const auto byte = static_cast<unsigned char>(c);
  return byte < kSpace || byte == kDelete;
}

bool breaks_argument(std::string_view text) {
  return text.find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos;
}

bool breaks_header(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) { return is_control(c) && c != '\t'; });
}

/// A segment of dots would lead a server to another path, and encoding does not help: servers
/// decode first.
bool has_dot_segment(std::string_view path) {
  path = path.substr(0, path.find_first_of("?#"));
  while (true) {
    const std::size_t end = path.find('/');
    const std::string_view segment = path.substr(0, end);
    if (segment == "." || segment == "..") {
      return true;
    }
    if (end == std::string_view::npos) {
      return false;
    }
    path.remove_prefix(end + 1);
  }
}

/// Scheme, "://" and something behind them; the rest is for the parser of URLs.
bool is_absolute_url(std::string_view url) {
  constexpr std::string_view kBeforeHost = "://";
  const std::size_t scheme = url.find(kBeforeHost);
  if (scheme == std::string_view::npos || scheme == 0 ||
      url.size() == scheme + kBeforeHost.size() ||
      std::any_of(url.begin(), url.end(), [](char c) { return c == ' ' || is_control(c); })) {
    return false;
  }
  std::string name(url.substr(0, scheme));
  std::transform(name.begin(), name.end(), name.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return name == "https" || name == "http";
}

}  // namespace

tl::expected<std::string, TemplateFailure> TemplateRenderer::render(const std::string& place,
                                                                    TextKind kind,
                                                                    std::string_view text) {
  if (kind == TextKind::json) {
    return render_json(place, text);
  }
  const auto parsed = parse_template(text);
  if (!parsed) {
    return fail_at(place, parsed.error().message);
  }
  auto rendered =
      kind == TextKind::url ? render_url(place, *parsed) : render_text(place, kind, *parsed);
  if (rendered && kind == TextKind::header && breaks_header(*rendered)) {
    return fail_at(place, "a control character in a header");
  }
  if (rendered && kind == TextKind::path && !parsed->literal() && has_dot_segment(*rendered)) {
    return fail_at(place, R"(a value makes "." or ".." a segment of the path)");
  }
  return rendered;
}

/// Fails before the text gets too large, not after.
TemplateRenderer::Rendered TemplateRenderer::bounded(const std::string& place, std::string text) {
  bytes_ += text.size();
  if (bytes_ > kMaxResolvedBytes) {
    return fail_at(place,
                   fmt::format("larger than {} MiB with its values", kMaxResolvedBytes >> 20U));
  }
  return text;
}

TemplateRenderer::Rendered TemplateRenderer::render_text(const std::string& place,
                                                         TextKind kind,
                                                         const TemplateText& text) {
  std::string out;
  for (const auto& part : text.parts) {
    const auto* const literal = std::get_if<std::string>(&part);
    auto piece =
        literal != nullptr ? Rendered(*literal) : encoded(place, kind, std::get<Reference>(part));
    if (piece) {
      piece = bounded(place, std::move(*piece));
    }
    if (!piece) {
      return piece;
    }
    out.append(*piece);
  }
  return out;
}

TemplateRenderer::Rendered TemplateRenderer::render_url(const std::string& place,
                                                        const TemplateText& url) {
  if (url.literal()) {
    return render_text(place, TextKind::plain, url);
  }
  TemplateText rest = url;
  std::string out;
  if (std::holds_alternative<Reference>(rest.parts.front())) {
    const auto& first = std::get<Reference>(rest.parts.front());
    auto start = render_text(place, TextKind::plain, TemplateText{{first}});
    if (!start) {
      return start;
    }
    out = *start;
    rest.parts.erase(rest.parts.begin());
  }
  auto end = render_text(place, TextKind::path, rest);
  if (!end) {
    return end;
  }
  const bool query = out.find_first_of("?#") != std::string::npos;
  if (!query && has_dot_segment(*end)) {
    return fail_at(place, R"(a value makes "." or ".." a segment of the path)");
  }
  out.append(*end);
  if (!is_absolute_url(out)) {
    return fail_at(place, "with its values it is no absolute http or https URL");
  }
  return out;
}

TemplateRenderer::Rendered TemplateRenderer::render_json(const std::string& place,
                                                         std::string_view json) {
  return replace_json_strings(
      place, json, [this, &place](const std::string& string) -> StringReplacement {
        if (string.find("${") == std::string::npos) {
          return std::nullopt;
        }
        auto value = render_json_string(place, string);
        if (!value) {
          return TemplateError(std::move(value.error()));
        }
        return std::optional(std::move(*value));
      });
}

TemplateRenderer::Rendered TemplateRenderer::render_json_string(const std::string& place,
                                                                std::string_view string) {
  const auto text = parse_template(string);
  if (!text) {
    return fail_at(place, text.error().message);
  }
  if (const Reference* const single = text->single()) {
    auto value = value_json(place, *single);
    return value ? bounded(place, std::move(*value)) : value;
  }
  const std::size_t before = bytes_;
  const auto content = render_text(place, TextKind::plain, *text);
  bytes_ = before;  // counted below as it ends up
  return content ? bounded(place, json_string(*content)) : content;
}

/// Compact.
TemplateRenderer::Rendered TemplateRenderer::value_json(const std::string& place,
                                                        const Reference& reference) const {
  const JsonValue& value = values_.of(reference);
  if (value.state == JsonValue::State::too_large) {
    return fail_at(
        place, reference, fmt::format("is larger than {} MiB", kMaxTemplateValueBytes >> 20U));
  }
  const bool found = value.state == JsonValue::State::found;
  if (reference.fallback && (!found || value.text == "null")) {
    return json_string(*reference.fallback);
  }
  if (found) {
    return compact_json(value.text);
  }
  std::string why = fmt::format("is missing in {}", source_in_words(reference.source));
  if (!value.why.empty()) {
    why += fmt::format(" ({})", value.why);
  }
  return fail_at(place, reference, why);
}

/// As a part of a larger text of that kind.
TemplateRenderer::Rendered TemplateRenderer::encoded(const std::string& place,
                                                     TextKind kind,
                                                     const Reference& reference) const {
  auto json = value_json(place, reference);
  if (!json) {
    return json;
  }
  std::string text = json_as_text(*json);
  if (kind == TextKind::path) {
    return percent_encoded(text);
  }
  if (kind == TextKind::header && breaks_header(text)) {
    return fail_at(place, reference, "has a control character, which no header can have");
  }
  if (kind == TextKind::argument && breaks_argument(text)) {
    return fail_at(place, reference, "has a CR, LF or NUL character");
  }
  return text;
}

}  // namespace postlude::extension
