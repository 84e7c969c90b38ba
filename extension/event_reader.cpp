#include "extension/event_reader.h"

#include "common/error.h"
#include "extension/event_view.h"
#include "extension/response_values.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <functional>
#include <optional>
#include <utility>

namespace postlude::extension {
namespace {

/// Large enough that system calls do not matter, small beside what the process has anyway.
constexpr std::size_t kPieceBytes = std::size_t{64} << 10;

using Done = tl::expected<void, TemplateFailure>;

Done for_each_piece(EventFile event, const std::function<void(std::string_view)>& take) {
  if (event.fd < 0 || event.bytes == 0) {
    take("null");
    return {};
  }
  std::string buffer(kPieceBytes, '\0');
  std::uint64_t at = 0;
  while (at < event.bytes) {
    const std::size_t wanted = std::min<std::uint64_t>(buffer.size(), event.bytes - at);
    const ssize_t size = ::pread(event.fd, buffer.data(), wanted, static_cast<off_t>(at));
    if (size < 0 && errno == EINTR) {
      continue;
    }
    if (size <= 0) {
      const std::string why =
          size < 0 ? errno_error("read", "the event").message : "read the event: it was cut";
      return tl::unexpected(TemplateFailure{why, TemplateFailure::Next::retry});
    }
    take(std::string_view(buffer).substr(0, static_cast<std::size_t>(size)));
    at += static_cast<std::uint64_t>(size);
  }
  return {};
}

bool wants_body(const JsonPath& path) {
  return path.empty() || path.front() == "body";
}

JsonPath rest_of(const JsonPath& path) {
  return path.empty() ? JsonPath{} : JsonPath(path.begin() + 1, path.end());
}

tl::expected<std::vector<JsonValue>, TemplateFailure> read_body(EventFile event,
                                                                const BodyRequest& request) {
  std::optional<BodyValues> values;
  JsonFilter filter({},
                    {.path = request_body_path(),
                     .begin = [&] { values.emplace(request); },
                     .piece = [&](std::string_view text) { values->add(text); }});
  if (auto read = for_each_piece(event, [&](std::string_view piece) { filter.add(piece); });
      !read) {
    return tl::unexpected(std::move(read.error()));
  }
  if (!values || !filter.stream_complete()) {
    return std::vector<JsonValue>(
        request.paths.size(),
        JsonValue::missing(values ? "the body is not valid JSON text" : "there is no body"));
  }
  return values->finish();
}

/// {"method", "path", "query", "headers", "body"}; a body that is missing is null.
JsonValue whole_request(const RequestHead& head, const JsonValue& body) {
  if (body.state == JsonValue::State::too_large) {
    return body;
  }
  std::string out = R"({"method":)" + head.method;
  out.append(R"(,"path":)").append(head.path);
  out.append(R"(,"query":)").append(head.query);
  out.append(R"(,"headers":)").append(head.headers);
  out.append(R"(,"body":)");
  out.append(body.state == JsonValue::State::found ? body.text : "null").push_back('}');
  return out.size() > kMaxTemplateValueBytes ? JsonValue::too_large()
                                             : JsonValue::found(std::move(out));
}

/// All but the body.
JsonValue head_value(const RequestHead& head, const JsonPath& path) {
  const std::string& part = path.front();
  const std::string* const json = part == "method"    ? &head.method
                                  : part == "path"    ? &head.path
                                  : part == "query"   ? &head.query
                                  : part == "headers" ? &head.headers
                                                      : nullptr;
  if (json == nullptr) {
    return JsonValue::missing();
  }
  JsonFilter filter({{rest_of(with_lower_header(path))}});
  filter.add(*json);
  return filter.finish().front();
}

tl::expected<std::vector<JsonValue>, TemplateFailure> request_values(
    EventFile event, const std::optional<RequestHead>& head, const std::vector<JsonPath>& paths) {
  std::vector<JsonValue> values(paths.size());
  if (!head) {
    std::fill(values.begin(),
              values.end(),
              JsonValue::missing("it is no event of an HTTP request that is known here"));
    return values;
  }
  BodyRequest request{.format = head->body_format, .encoding = head->body_encoding, .paths = {}};
  std::vector<std::size_t> positions;
  for (std::size_t i = 0; i < paths.size(); ++i) {
    if (wants_body(paths[i])) {
      request.paths.push_back(rest_of(paths[i]));
      positions.push_back(i);
    } else {
      values[i] = head_value(*head, paths[i]);
    }
  }
  if (positions.empty()) {
    return values;
  }
  auto bodies = read_body(event, request);
  if (!bodies) {
    return bodies;
  }
  for (std::size_t i = 0; i < positions.size(); ++i) {
    const bool whole = paths[positions[i]].empty();
    JsonValue& body = bodies->at(i);
    values[positions[i]] = whole ? whole_request(*head, body) : std::move(body);
  }
  return values;
}

}  // namespace

tl::expected<EventValues, TemplateFailure> read_event(EventFile event, const EventPaths& paths) {
  std::vector<WantedValue> wanted;
  for (const JsonPath& path : paths.event) {
    wanted.push_back({path});
  }
  if (!paths.request.empty()) {
    const auto parts = request_head_parts();
    wanted.insert(wanted.end(), parts.begin(), parts.end());
  }
  EventValues values;
  if (wanted.empty()) {
    return values;
  }
  JsonFilter filter(wanted);
  if (auto read = for_each_piece(event, [&](std::string_view piece) { filter.add(piece); });
      !read) {
    return tl::unexpected(std::move(read.error()));
  }
  values.event = filter.finish();
  if (paths.request.empty()) {
    return values;
  }
  const auto parts_begin = values.event.begin() + static_cast<std::ptrdiff_t>(paths.event.size());
  const auto head = request_head(std::vector<JsonValue>(parts_begin, values.event.end()));
  values.event.erase(parts_begin, values.event.end());
  auto request = request_values(event, head, paths.request);
  if (!request) {
    return tl::unexpected(std::move(request.error()));
  }
  values.request = std::move(*request);
  return values;
}

}  // namespace postlude::extension
