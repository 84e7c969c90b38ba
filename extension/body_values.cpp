#include "extension/body_values.h"

#include "common/json_text.h"
#include "extension/json_escape.h"
#include "extension/lone_surrogates.h"
#include "extension/text_encoding.h"

#include <algorithm>
#include <set>
#include <utility>

namespace postlude::extension {
namespace {

std::string lower_media_type(std::string_view content_type) {
  std::string type(content_type.substr(0, content_type.find(';')));
  const std::size_t first = type.find_first_not_of(" \t");
  const std::size_t last = type.find_last_not_of(" \t");
  type = first == std::string::npos ? "" : type.substr(first, last - first + 1);
  std::transform(type.begin(), type.end(), type.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return type;
}

/// The names that paths begin with; nothing if one path is the whole.
std::optional<std::set<std::string>> field_names(const std::vector<JsonPath>& paths) {
  std::set<std::string> names;
  for (const JsonPath& path : paths) {
    if (path.empty()) {
      return std::nullopt;
    }
    names.insert(path.front());
  }
  return names;
}

}  // namespace

BodyFormat body_format(std::string_view content_type) {
  const std::string type = lower_media_type(content_type);
  if (type == "application/json" || type.ends_with("+json")) {
    return BodyFormat::json;
  }
  return type == "application/x-www-form-urlencoded" ? BodyFormat::form : BodyFormat::text;
}

BodyValues::BodyValues(BodyRequest request) : request_(std::move(request)) {
  const BodyFormat format = request_.format;
  if (format == BodyFormat::form) {
    form_.emplace(field_names(request_.paths));
    return;
  }
  if (format == BodyFormat::json || format == BodyFormat::json_or_text) {
    json_.emplace(wanted());
  }
  keeps_text_ = format != BodyFormat::json &&
                std::any_of(request_.paths.begin(), request_.paths.end(), [](const JsonPath& path) {
                  return path.empty();
                });
}

void BodyValues::add(std::string_view piece) {
  if (request_.encoding == BodyEncoding::plain) {
    add_bytes(piece);
    return;
  }
  decoded_.clear();
  base64_.add(piece, decoded_);
  add_bytes(decoded_);
}

void BodyValues::add_bytes(std::string_view bytes) {
  empty_ = empty_ && bytes.empty();
  if (json_) {
    json_->add(bytes);
  }
  if (form_) {
    form_->add(bytes);
  }
  if (!keeps_text_ || text_too_large_) {
    return;
  }
  if (bytes.size() > kMaxTemplateValueBytes - text_.size()) {
    text_too_large_ = true;
    text_ = {};
    return;
  }
  text_.append(bytes);
}

std::vector<JsonValue> BodyValues::finish() {
  std::vector<JsonValue> values(request_.paths.size());
  if (request_.encoding == BodyEncoding::base64 && !base64_.complete()) {
    std::fill(values.begin(), values.end(), JsonValue::missing("the body is not valid base64"));
    return values;
  }
  if (json_) {
    finish_json(values);
  }
  if (form_) {
    finish_form(values);
  }
  if (request_.format == BodyFormat::text || request_.format == BodyFormat::json_or_text) {
    finish_text(values);
  }
  return values;
}

void BodyValues::finish_json(std::vector<JsonValue>& values) {
  values = json_->finish();
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (values[i].state == JsonValue::State::missing && request_.paths[i].empty()) {
      values[i] = JsonValue::missing(empty_ ? "the body is empty" : "the body is not valid JSON");
    }
  }
}

void BodyValues::finish_form(std::vector<JsonValue>& values) {
  JsonValue form = form_->finish();
  if (form.state != JsonValue::State::found) {
    std::fill(values.begin(), values.end(), form);
    return;
  }
  JsonFilter filter(wanted());
  filter.add(form.text);
  values = filter.finish();
}

void BodyValues::finish_text(std::vector<JsonValue>& values) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    const bool whole = request_.paths[i].empty();
    // A body that begins like JSON and goes on as something else is text.
    const bool is_json = request_.format == BodyFormat::json_or_text &&
                         values[i].state != JsonValue::State::missing &&
                         (!whole || text_too_large_ || check_json(text_) ||
                          check_json(without_lone_surrogates(text_)));
    if (is_json) {
      continue;
    }
    values[i] = whole ? text_value() : JsonValue::missing("the body is neither JSON nor a form");
  }
}

JsonValue BodyValues::text_value() const {
  if (text_too_large_) {
    return JsonValue::too_large();
  }
  return is_utf8_text(text_) ? JsonValue::found(json_string(text_))
                             : JsonValue::missing("the body is binary");
}

std::vector<WantedValue> BodyValues::wanted() const {
  std::vector<WantedValue> wanted;
  wanted.reserve(request_.paths.size());
  for (const JsonPath& path : request_.paths) {
    wanted.push_back({path});
  }
  return wanted;
}

}  // namespace postlude::extension
