#include "extension/response_values.h"

#include "common/json_slice.h"
#include "extension/body_values.h"
#include "extension/json_escape.h"

#include <algorithm>
#include <utility>

namespace postlude::extension {
namespace {

enum Part : std::size_t { status, encoded, content_type };

/// What is known of the response before its body is looked at.
struct ResponseHead {
  bool http = false;
  bool text_body = false;
  BodyFormat format = BodyFormat::json_or_text;
  BodyEncoding encoding = BodyEncoding::plain;
};

ResponseHead response_head(std::string_view json) {
  JsonFilter filter({{{"statusCode"}}, {{"isBase64Encoded"}}, {{"headers", "content-type"}}});
  bool text_body = false;
  JsonFilter body_kind({},
                       {.path = {"body"},
                        .begin = [&text_body] { text_body = true; },
                        .piece = [](std::string_view /*text*/) {}});
  filter.add(json);
  body_kind.add(json);
  const auto parts = filter.finish();
  ResponseHead head;
  const bool base64 = parts[encoded].text == "true";
  head.http = parts[status].state == JsonValue::State::found || base64;
  head.text_body = text_body && body_kind.stream_complete();
  if (parts[content_type].state == JsonValue::State::found) {
    head.format = body_format(json_as_text(parts[content_type].text));
  }
  head.encoding = base64 ? BodyEncoding::base64 : BodyEncoding::plain;
  return head;
}

std::vector<JsonValue> plain_values(std::string_view json, const std::vector<JsonPath>& paths) {
  std::vector<WantedValue> wanted;
  wanted.reserve(paths.size());
  for (const JsonPath& path : paths) {
    wanted.push_back({path});
  }
  JsonFilter filter(wanted);
  filter.add(json);
  return filter.finish();
}

std::vector<JsonValue> body_values(std::string_view json,
                                   const ResponseHead& head,
                                   const std::vector<JsonPath>& paths) {
  if (!head.text_body) {
    std::vector<JsonPath> inside = paths;
    for (JsonPath& path : inside) {
      path.insert(path.begin(), "body");
    }
    return plain_values(json, inside);
  }
  const BodyRequest request{.format = head.format, .encoding = head.encoding, .paths = paths};
  std::optional<BodyValues> values(request);
  JsonFilter filter({},
                    {.path = {"body"},
                     .begin = [&] { values.emplace(request); },
                     .piece = [&](std::string_view text) { values->add(text); }});
  filter.add(json);
  return values->finish();
}

/// The document with its body in place of the encoded one; as it is where that has no text.
JsonValue whole_response(std::string_view json, const JsonValue& body) {
  if (body.state == JsonValue::State::too_large) {
    return body;
  }
  const auto members = slice_object(json);
  const bool decoded = body.state == JsonValue::State::found;
  if (!members) {
    return JsonValue::missing();
  }
  std::string out = "{";
  for (const JsonSlice& member : *members) {
    out.append(out.size() == 1 ? "" : ",").append(json_string(member.key)).push_back(':');
    if (decoded && member.key == "body") {
      out.append(body.text);
    } else if (decoded && member.key == "isBase64Encoded") {
      out.append("false");
    } else {
      out.append(member.value);
    }
  }
  out.push_back('}');
  return out.size() > kMaxTemplateValueBytes ? JsonValue::too_large()
                                             : JsonValue::found(std::move(out));
}

bool leads_into_body(const JsonPath& path) {
  return path.empty() || path.front() == "body";
}

JsonPath path_in_body(const JsonPath& path) {
  return path.empty() ? JsonPath{} : JsonPath(path.begin() + 1, path.end());
}

}  // namespace

JsonPath with_lower_header(JsonPath path) {
  if (path.size() > 1 && path[0] == "headers") {
    std::transform(path[1].begin(), path[1].end(), path[1].begin(), [](char c) {
      return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
  }
  return path;
}

std::vector<JsonValue> response_values(const ResponseSource& response,
                                       const std::vector<JsonPath>& paths) {
  const ResponseHead head = response_head(response.json);
  if (!head.http) {
    return response.truncated
               ? std::vector<JsonValue>(paths.size(), JsonValue::missing("only a part was kept"))
               : plain_values(response.json, paths);
  }
  std::vector<JsonPath> heads;
  std::vector<JsonPath> bodies;
  for (const JsonPath& path : paths) {
    heads.push_back(with_lower_header(path));
    if (leads_into_body(path)) {
      bodies.push_back(path_in_body(path));
    }
  }
  std::vector<JsonValue> values = plain_values(response.json, heads);
  std::vector<JsonValue> found =
      response.truncated
          ? std::vector<JsonValue>(bodies.size(), JsonValue::missing("only a part was kept"))
          : body_values(response.json, head, bodies);
  auto next = found.begin();
  for (std::size_t i = 0; i < paths.size(); ++i) {
    if (!leads_into_body(paths[i])) {
      continue;
    }
    values[i] = paths[i].empty() && !response.truncated ? whole_response(response.json, *next)
                                                        : std::move(*next);
    ++next;
  }
  return values;
}

}  // namespace postlude::extension
