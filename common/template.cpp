#include "common/template.h"

#include "common/reference_rules.h"

#include <fmt/format.h>

#include <algorithm>

namespace postlude {
namespace {

using Failure = tl::unexpected<TemplateProblem>;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool is_name(char c) {
  return is_letter(c) || is_digit(c) || c == '_' || c == '-' ||
         static_cast<unsigned char>(c) >= 0x80;
}

bool is_control(char c) {
  constexpr unsigned char kSpace = 0x20;
  constexpr unsigned char kDelete = 0x7f;
  const auto byte = static_cast<unsigned char>(c);
  return byte < kSpace || byte == kDelete;
}

/// Reads references and fallbacks out of a text; offsets are those of the text.
class Parser {
 public:
  Parser(std::string_view text, std::size_t at) : text_(text), at_(at) {}

  [[nodiscard]] std::size_t at() const { return at_; }
  [[nodiscard]] bool at_end() const { return at_ >= text_.size(); }
  [[nodiscard]] bool take(std::string_view token) {
    if (text_.substr(at_, token.size()) != token) {
      return false;
    }
    at_ += token.size();
    return true;
  }

  /// Stops at what is no part of it.
  [[nodiscard]] tl::expected<Reference, TemplateProblem> reference() {
    const std::size_t from = at_;
    const std::string_view word = take_name();
    auto source = find_reference_source(word);
    if (!source) {
      return Failure(TemplateProblem{from, std::move(source.error())});
    }
    Reference reference{.source = *source, .path = {}, .fallback = {}, .text = {}};
    std::vector<std::size_t> offsets;
    while (!at_end() && (text_[at_] == '.' || text_[at_] == '[')) {
      offsets.push_back(at_ + 1);
      auto key = text_[at_] == '.' ? dotted_key() : bracketed_key();
      if (!key) {
        return Failure(std::move(key.error()));
      }
      reference.path.push_back(std::move(*key));
      if (reference.path.size() > kMaxReferenceKeys || at_ - from > kMaxReferenceBytes) {
        return problem(from,
                       fmt::format("a reference has at most {} keys and {} bytes",
                                   kMaxReferenceKeys,
                                   kMaxReferenceBytes));
      }
    }
    if (auto wrong = find_path_problem(reference)) {
      const std::size_t key = wrong->key;
      return problem(key < offsets.size() ? offsets[key] : at_, std::move(wrong->message));
    }
    reference.text = text_.substr(from, at_ - from);
    return reference;
  }

  /// Up to and with the closing brace; `opened` is the offset of ${.
  [[nodiscard]] tl::expected<std::string, TemplateProblem> fallback(std::size_t opened) {
    std::string value;
    while (!at_end()) {
      const char c = text_[at_];
      if (c == '}') {
        ++at_;
        return value;
      }
      if (c == '{') {
        const bool nested = at_ > 0 && text_[at_ - 1] == '$';
        return problem(at_,
                       nested ? "a fallback is text and holds no reference"
                              : "a brace in a fallback is written \\{ or \\}");
      }
      value.push_back(take_escaped("{}\\"));
    }
    return not_closed(opened);
  }

  /// What stands where a reference should go on or end.
  [[nodiscard]] Failure unexpected_here(std::size_t opened) const {
    if (at_end()) {
      return not_closed(opened);
    }
    const char c = text_[at_];
    if (c == ' ' || c == '\t') {
      return problem(at_, "a reference holds no spaces (a key with one is written ['a key'])");
    }
    return problem(at_,
                   c == ':' ? "a fallback begins with \":-\""
                            : "expected \".\", \"[\", \":-\" or \"}\" here (a key with other "
                              "characters is written ['a key'])");
  }

 private:
  [[nodiscard]] static Failure problem(std::size_t offset, std::string message) {
    return Failure(TemplateProblem{offset, std::move(message)});
  }
  [[nodiscard]] static Failure not_closed(std::size_t opened) {
    return problem(opened, R"("${" without its "}" (a literal one is written "$${"))");
  }

  [[nodiscard]] std::string_view take_name() {
    const std::size_t from = at_;
    while (!at_end() && is_name(text_[at_])) {
      ++at_;
    }
    return text_.substr(from, at_ - from);
  }

  [[nodiscard]] tl::expected<std::string, TemplateProblem> dotted_key() {
    ++at_;
    const std::string_view name = take_name();
    if (name.empty()) {
      return problem(at_, R"(expected a key after "." (other characters: ['a key']))");
    }
    return std::string(name);
  }

  [[nodiscard]] tl::expected<std::string, TemplateProblem> bracketed_key() {
    const std::size_t opened = at_++;
    if (take("'")) {
      return quoted_key(opened);
    }
    const std::size_t from = at_;
    while (!at_end() && is_digit(text_[at_])) {
      ++at_;
    }
    const std::string_view digits = text_.substr(from, at_ - from);
    if (digits.empty() || !take("]")) {
      return problem(opened, "brackets hold a number or a key in single quotes: [0] or ['a key']");
    }
    return std::string(digits);
  }

  [[nodiscard]] tl::expected<std::string, TemplateProblem> quoted_key(std::size_t opened) {
    std::string key;
    while (!at_end() && text_[at_] != '\'') {
      if (is_control(text_[at_])) {
        return problem(at_, "a control character in a key");
      }
      key.push_back(take_escaped("'\\"));
    }
    if (!take("']")) {
      return problem(opened, R"("['" without its "']")");
    }
    return key;
  }

  /// One byte; a backslash before one of `escaped` goes.
  [[nodiscard]] char take_escaped(std::string_view escaped) {
    if (text_[at_] == '\\' && at_ + 1 < text_.size() &&
        escaped.find(text_[at_ + 1]) != std::string_view::npos) {
      ++at_;
    }
    return text_[at_++];
  }

  std::string_view text_;
  std::size_t at_;
};

void add_literal(TemplateText& out, std::string_view text) {
  if (text.empty()) {
    return;
  }
  if (!out.parts.empty()) {
    if (auto* const before = std::get_if<std::string>(&out.parts.back())) {
      before->append(text);
      return;
    }
  }
  out.parts.emplace_back(std::string(text));
}

/// `opened` is the offset of "${"; the reference and the offset behind its closing brace.
tl::expected<std::pair<Reference, std::size_t>, TemplateProblem> braced_reference(
    std::string_view text, std::size_t opened) {
  Parser parser(text, opened + 2);
  auto reference = parser.reference();
  if (!reference) {
    return Failure(std::move(reference.error()));
  }
  if (parser.take(":-")) {
    auto fallback = parser.fallback(opened);
    if (!fallback) {
      return Failure(std::move(fallback.error()));
    }
    reference->fallback = std::move(*fallback);
  } else if (!parser.take("}")) {
    return parser.unexpected_here(opened);
  }
  return std::pair(std::move(*reference), parser.at());
}

bool is_host(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return is_letter(c) || is_digit(c) ||
           std::string_view("-._:[]").find(c) != std::string_view::npos;
  });
}

}  // namespace

const Reference* TemplateText::single() const {
  return parts.size() == 1 ? std::get_if<Reference>(&parts.front()) : nullptr;
}

bool TemplateText::literal() const {
  return std::none_of(parts.begin(), parts.end(), [](const auto& part) {
    return std::holds_alternative<Reference>(part);
  });
}

tl::expected<TemplateText, TemplateProblem> parse_template(std::string_view text) {
  TemplateText out;
  std::size_t references = 0;
  std::size_t literal_from = 0;
  for (std::size_t at = text.find("${"); at != std::string_view::npos;
       at = text.find("${", literal_from)) {
    if (at > literal_from && text[at - 1] == '$') {
      add_literal(out, text.substr(literal_from, at - 1 - literal_from));
      add_literal(out, "${");
      literal_from = at + 2;
      continue;
    }
    add_literal(out, text.substr(literal_from, at - literal_from));
    auto reference = braced_reference(text, at);
    if (!reference) {
      return Failure(std::move(reference.error()));
    }
    if (++references > kMaxTemplateReferences) {
      return Failure(TemplateProblem{
          at, fmt::format("more than {} references in one string", kMaxTemplateReferences)});
    }
    literal_from = reference->second;
    out.parts.emplace_back(std::move(reference->first));
  }
  add_literal(out, text.substr(literal_from));
  return out;
}

tl::expected<Reference, TemplateProblem> parse_reference(std::string_view text) {
  if (text.starts_with("${")) {
    return Failure(TemplateProblem{0, "a reference is written without ${ and } here"});
  }
  Parser parser(text, 0);
  auto reference = parser.reference();
  if (reference && !parser.at_end()) {
    return Failure(TemplateProblem{
        parser.at(),
        R"(expected "." or "[" here (a key with other characters is written ['a key']))"});
  }
  return reference;
}

bool host_is_literal(const TemplateText& url) {
  if (url.literal()) {
    return true;
  }
  const auto* const start = std::get_if<std::string>(&url.parts.front());
  if (start == nullptr) {
    return false;
  }
  constexpr std::string_view kBeforeHost = "://";
  const std::size_t scheme_end = start->find(kBeforeHost);
  if (scheme_end == std::string::npos || scheme_end == 0 ||
      !std::all_of(
          start->begin(), start->begin() + static_cast<std::ptrdiff_t>(scheme_end), is_letter)) {
    return false;
  }
  const std::size_t host = scheme_end + kBeforeHost.size();
  const std::size_t host_end = start->find_first_of("/?#", host);
  return host_end != std::string::npos &&
         is_host(std::string_view(*start).substr(host, host_end - host));
}

}  // namespace postlude
