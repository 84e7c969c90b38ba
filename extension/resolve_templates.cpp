#include "extension/resolve_templates.h"

#include "extension/json_strings.h"
#include "extension/template_renderer.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace postlude::extension {
namespace {

/// A string of an action that may hold templates.
struct ActionText {
  std::string place;
  TextKind kind = TextKind::plain;
  std::string* text = nullptr;
};

using ActionTexts = std::vector<ActionText>;

void add(ActionTexts& texts, std::string place, TextKind kind, std::string& text) {
  texts.push_back({std::move(place), kind, &text});
}

void add(ActionTexts& texts, std::string place, TextKind kind, std::optional<std::string>& text) {
  if (text) {
    add(texts, std::move(place), kind, *text);
  }
}

ActionTexts texts_of(CommandAction& command) {
  ActionTexts texts;
  for (std::size_t i = 0; i < command.argv.size(); ++i) {
    add(texts, fmt::format("command.argv[{}]", i), TextKind::argument, command.argv[i]);
  }
  for (auto& [name, value] : command.env) {
    add(texts, fmt::format("command.env.{}", name), TextKind::argument, value);
  }
  add(texts, "command.cwd", TextKind::argument, command.cwd);
  return texts;
}

ActionTexts texts_of(HttpAction& http) {
  ActionTexts texts;
  add(texts, "http.url", TextKind::url, http.url);
  for (auto& [name, value] : http.headers) {
    add(texts, fmt::format("http.headers.{}", name), TextKind::header, value);
  }
  add(texts, "http.json", TextKind::json, http.json);
  add(texts, "http.body", TextKind::plain, http.body);
  return texts;
}

ActionTexts texts_of(SendAction& send) {
  ActionTexts texts;
  add(texts, "send.to", TextKind::header, send.to);
  add(texts, "send.body", TextKind::json, send.body);
  return texts;
}

ActionTexts texts_of(AwsAction& aws) {
  ActionTexts texts;
  add(texts, "aws.path", TextKind::path, aws.path);
  add(texts, "aws.input", TextKind::json, aws.input);
  return texts;
}

ActionTexts texts_of(HandlerAction& handler) {
  ActionTexts texts;
  add(texts, "handler.event", TextKind::json, handler.event);
  return texts;
}

ActionTexts texts_of(Action& action) {
  return std::visit([](auto& known) { return texts_of(known); }, action);
}

/// In a JSON text both characters may be written as escapes.
bool may_have_template(const ActionText& text) {
  return text.text->find("${") != std::string::npos ||
         (text.kind == TextKind::json && text.text->find("\\u") != std::string::npos);
}

tl::expected<void, TemplateFailure> collect(const std::string& place,
                                            std::string_view text,
                                            std::vector<Reference>& references) {
  auto parsed = parse_template(text);
  if (!parsed) {
    return TemplateError(TemplateFailure{
        fmt::format("{}: offset {}: {}", place, parsed.error().offset, parsed.error().message)});
  }
  for (auto& part : parsed->parts) {
    if (auto* const reference = std::get_if<Reference>(&part)) {
      references.push_back(std::move(*reference));
    }
  }
  return {};
}

tl::expected<void, TemplateFailure> collect(const ActionText& text,
                                            std::vector<Reference>& references) {
  if (text.kind != TextKind::json) {
    return collect(text.place, *text.text, references);
  }
  const auto walked = replace_json_strings(
      text.place, *text.text, [&](const std::string& string) -> StringReplacement {
        if (auto done = collect(text.place, string, references); !done) {
          return TemplateError(std::move(done.error()));
        }
        return std::nullopt;
      });
  if (!walked) {
    return TemplateError(walked.error());
  }
  return {};
}

}  // namespace

bool has_templates(const Action& action) {
  Action copy = action;
  const ActionTexts texts = texts_of(copy);
  return std::any_of(texts.begin(), texts.end(), may_have_template);
}

tl::expected<Action, TemplateFailure> resolve_templates(const Action& action,
                                                        const TemplateSources& sources) {
  Action resolved = action;
  std::vector<Reference> references;
  ActionTexts texts = texts_of(resolved);
  std::erase_if(texts, [](const ActionText& text) { return !may_have_template(text); });
  if (texts.empty()) {
    return resolved;
  }
  for (const ActionText& text : texts) {
    if (auto done = collect(text, references); !done) {
      return TemplateError(std::move(done.error()));
    }
  }
  const auto values = TemplateValues::gather(references, sources);
  if (!values) {
    return TemplateError(values.error());
  }
  TemplateRenderer renderer(*values);
  for (const ActionText& text : texts) {
    auto rendered = renderer.render(text.place, text.kind, *text.text);
    if (!rendered) {
      return TemplateError(std::move(rendered.error()));
    }
    *text.text = std::move(*rendered);
  }
  return resolved;
}

}  // namespace postlude::extension
