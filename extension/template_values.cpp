#include "extension/template_values.h"

#include "common/reference_rules.h"
#include "extension/event_reader.h"
#include "extension/json_escape.h"
#include "extension/response_values.h"

#include <fmt/format.h>

#include <set>

namespace postlude::extension {

using Done = tl::expected<void, TemplateFailure>;

/// One round of gathering, source by source.
class TemplateGathering {
 public:
  TemplateGathering(const std::vector<Reference>& references, const TemplateSources& sources)
      : sources_(sources) {
    for (const Reference& reference : references) {
      wanted_[reference.source].insert(reference.path);
    }
  }

  [[nodiscard]] Done run() {
    if (auto read = take_event(); !read) {
      return read;
    }
    take_texts();
    take_context();
    for (const JsonPath& path : wanted_[ReferenceSource::env]) {
      const auto value = sources_.environment.find(path.front());
      put(ReferenceSource::env,
          path,
          value ? JsonValue::found(json_string(*value)) : JsonValue::missing());
    }
    if (auto fetched = take_secrets(ReferenceSource::secret, SecretKind::secret); !fetched) {
      return fetched;
    }
    return take_secrets(ReferenceSource::ssm, SecretKind::parameter);
  }

  [[nodiscard]] TemplateValues result() {
    TemplateValues values;
    values.values_ = std::move(values_);
    return values;
  }

 private:
  [[nodiscard]] std::vector<JsonPath> paths(ReferenceSource source) const {
    const auto found = wanted_.find(source);
    return found == wanted_.end()
               ? std::vector<JsonPath>{}
               : std::vector<JsonPath>(found->second.begin(), found->second.end());
  }

  void put(ReferenceSource source, const JsonPath& path, JsonValue value) {
    values_.insert_or_assign({source, path}, std::move(value));
  }

  void put_all(ReferenceSource source,
               const std::vector<JsonPath>& paths,
               std::vector<JsonValue> values) {
    for (std::size_t i = 0; i < paths.size(); ++i) {
      put(source, paths[i], std::move(values.at(i)));
    }
  }

  [[nodiscard]] Done take_event() {
    const EventPaths wanted{paths(ReferenceSource::event), paths(ReferenceSource::request)};
    auto values = read_event(sources_.event, wanted);
    if (!values) {
      return TemplateError(std::move(values.error()));
    }
    put_all(ReferenceSource::event, wanted.event, std::move(values->event));
    put_all(ReferenceSource::request, wanted.request, std::move(values->request));
    return {};
  }

  void take_texts() {
    if (const auto wanted = paths(ReferenceSource::response); !wanted.empty()) {
      const ResponseSource response{sources_.response, sources_.record.bodies.response_truncated};
      put_all(ReferenceSource::response, wanted, response_values(response, wanted));
    }
    take_text(ReferenceSource::error, sources_.error);
    take_text(ReferenceSource::payload, sources_.record.payload);
  }

  void take_text(ReferenceSource source, std::string_view json) {
    const auto wanted = paths(source);
    if (wanted.empty()) {
      return;
    }
    std::vector<WantedValue> values;
    values.reserve(wanted.size());
    for (const JsonPath& path : wanted) {
      values.push_back({path});
    }
    JsonFilter filter(values);
    filter.add(json);
    put_all(source, wanted, filter.finish());
  }

  void take_context() {
    const TaskRecord& record = sources_.record;
    const auto text = [](std::string_view value) {
      return value.empty() ? JsonValue::missing() : JsonValue::found(json_string(value));
    };
    const std::map<std::string, JsonValue> context{
        {"id", text(record.id)},
        {"requestId", text(record.key.request_id)},
        {"functionArn", text(record.function_arn)},
        {"functionName", text(sources_.function_name)},
        {"traceId", text(record.trace_id)},
        {"tenantId", text(record.tenant_id.value_or(""))},
        {"deadlineMs", JsonValue::found(std::to_string(epoch_ms(sources_.work_deadline)))},
        {"task", text(record.task.name)},
        {"attempt", JsonValue::found(std::to_string(sources_.attempt))},
    };
    for (const JsonPath& path : paths(ReferenceSource::context)) {
      const auto value = path.size() == 1 ? context.find(path.front()) : context.end();
      put(ReferenceSource::context,
          path,
          value == context.end() ? JsonValue::missing() : value->second);
    }
  }

  /// References to one secret stand beside each other in the set of paths.
  [[nodiscard]] Done take_secrets(ReferenceSource source, SecretKind kind) {
    std::optional<std::string> name;
    tl::expected<std::string, TemplateFailure> text;
    for (const JsonPath& path : paths(source)) {
      if (name != path.front()) {
        name = path.front();
        text = sources_.secret(kind, path.front());
      }
      if (!text && text.error().next != TemplateFailure::Next::missing) {
        return TemplateError(TemplateFailure{
            fmt::format(
                "{}['{}']: {}", reference_source_name(source), path.front(), text.error().why),
            text.error().next});
      }
      put(source, path, text ? secret_value(*text, path) : JsonValue::missing(text.error().why));
    }
    return {};
  }

  /// A secret is text, and JSON where keys follow its name.
  [[nodiscard]] static JsonValue secret_value(const std::string& text, const JsonPath& path) {
    if (path.size() == 1) {
      return JsonValue::found(json_string(text));
    }
    JsonFilter filter({{JsonPath(path.begin() + 1, path.end())}});
    filter.add(text);
    return filter.finish().front();
  }

  const TemplateSources& sources_;
  std::map<ReferenceSource, std::set<JsonPath>> wanted_;
  std::map<std::pair<ReferenceSource, JsonPath>, JsonValue> values_;
};

tl::expected<TemplateValues, TemplateFailure> TemplateValues::gather(
    const std::vector<Reference>& references, const TemplateSources& sources) {
  TemplateGathering gathering(references, sources);
  if (auto done = gathering.run(); !done) {
    return TemplateError(std::move(done.error()));
  }
  return gathering.result();
}

const JsonValue& TemplateValues::of(const Reference& reference) const {
  return values_.at({reference.source, reference.path});
}

}  // namespace postlude::extension
