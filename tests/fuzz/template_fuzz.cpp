// Any bytes as a template, as an event, and as both at once: never a crash, and no value leaves the
// place it was put into. The first line is the template, the rest the event, read in pieces whose
// size comes from its length.
#include "common/json_text.h"
#include "common/template.h"
#include "extension/json_escape.h"
#include "extension/json_filter.h"
#include "extension/match.h"
#include "extension/resolve_templates.h"

#include <nlohmann/json.hpp>

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>

namespace {

using postlude::extension::JsonFilter;
using postlude::extension::JsonValue;

void require(bool holds) {
  if (!holds) {
    std::abort();
  }
}

/// A file that holds `bytes`, made once.
postlude::extension::EventFile event_file(std::string_view bytes) {
  static const int kFile = ::memfd_create("event", MFD_CLOEXEC);
  require(::ftruncate(kFile, 0) == 0);
  require(::pwrite(kFile, bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size()));
  return {kFile, bytes.size()};
}

void check_parser(std::string_view text) {
  const auto parsed = postlude::parse_template(text);
  if (!parsed) {
    require(parsed.error().offset <= text.size());
    require(!parsed.error().message.empty());
    require(parsed.error().message.find('\n') == std::string::npos);
    return;
  }
  require(parsed->literal() || text.find("${") != std::string_view::npos);
  for (const auto& part : parsed->parts) {
    if (const auto* const reference = std::get_if<postlude::Reference>(&part)) {
      const auto again = postlude::parse_reference(reference->text);
      require(again.has_value() && again->path == reference->path);
    }
  }
}

/// Where the tree parser takes the event, the filter must find the same, in pieces of any size.
void check_filter(std::string_view event, const postlude::extension::JsonPath& path) {
  JsonFilter whole({{path}});
  whole.add(event);
  const JsonValue at_once = whole.finish().front();
  JsonFilter pieces({{path}});
  const std::size_t size = event.size() % 7 + 1;
  for (std::size_t at = 0; at < event.size(); at += size) {
    pieces.add(event.substr(at, size));
  }
  const JsonValue in_pieces = pieces.finish().front();
  require(at_once.state == in_pieces.state && at_once.text == in_pieces.text);
  const auto tree = postlude::parse_json(event);
  if (!tree) {
    return;
  }
  const nlohmann::json* node = &*tree;
  for (const std::string& key : path) {
    const bool has = node->is_object() && node->contains(key);
    const bool item = node->is_array() && key == "0" && !node->empty();
    if (!has && !item) {
      require(at_once.state == JsonValue::State::missing);
      return;
    }
    node = has ? &node->at(key) : &node->at(0);
  }
  require(at_once.state == JsonValue::State::found);
  require(postlude::parse_json(at_once.text).value() == *node);
}

bool is_clean(std::string_view text) {
  return text.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos;
}

void check_action(std::string_view text, std::string_view event) {
  postlude::TaskRecord record;
  const postlude::Environment environment({{"A", "b\xff\r\n\""}});
  const std::string name = "f";
  const postlude::extension::TemplateSources sources{
      .record = record,
      .attempt = 1,
      .work_deadline = {},
      .event = event_file(event),
      .response = "null",
      .error = "null",
      .environment = environment,
      .function_name = name,
      .secret = [](auto /*kind*/, const std::string& secret)
          -> tl::expected<std::string, postlude::extension::TemplateFailure> { return secret; }};
  const std::string template_json = postlude::extension::json_string(text);
  postlude::HttpAction http;
  http.url = "https://a.example/" + std::string(text);
  http.headers = {{"X-A", "h" + std::string(text)}};
  http.json = R"({"k":)" + template_json + R"(,"l":["x",)" + template_json + "]}";
  const auto resolved = postlude::extension::resolve_templates(http, sources);
  if (!resolved) {
    require(!resolved.error().why.empty());
    return;
  }
  const auto& result = std::get<postlude::HttpAction>(*resolved);
  require(result.url.starts_with("https://a.example/"));
  require(is_clean(result.headers.front().second) || !is_clean(text));
  const auto json = postlude::parse_json(*result.json);
  require(json.has_value() && json->size() == 2 && json->at("l").size() == 2);
  require(json->at("k") == json->at("l").at(1));
  static_cast<void>(
      postlude::extension::matches({{.reference = "request.body.a", .any_of = {template_json}},
                                    {.reference = std::string(text), .any_of = {template_json}}},
                                   sources));
}

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer calls it by this name
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): bytes seen as text
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const std::size_t line = std::min(bytes.find('\n'), bytes.size());
  const std::string_view text = bytes.substr(0, line);
  const std::string_view event = bytes.substr(std::min(line + 1, bytes.size()));
  check_parser(text);
  check_parser(bytes);
  for (const auto& path : std::vector<postlude::extension::JsonPath>{
           {}, {"a"}, {"a", "b"}, {"a", "0"}, {"body"}, {"0", "a"}}) {
    check_filter(event, path);
  }
  check_action(text, event);
  return 0;
}
