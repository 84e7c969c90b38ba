#pragma once

#include "extension/base64_decoder.h"
#include "extension/form_reader.h"
#include "extension/json_filter.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace postlude::extension {

enum class BodyFormat {
  json,
  form,
  text,
  json_or_text,  ///< JSON where it is, for bodies without a content type that are mostly JSON
};

/// application/json and *+json, application/x-www-form-urlencoded, anything else is text. Pure.
[[nodiscard]] BodyFormat body_format(std::string_view content_type);

enum class BodyEncoding { plain, base64 };

/// What is wanted of one body, by paths into it (empty: the whole body).
struct BodyRequest {
  BodyFormat format = BodyFormat::text;
  BodyEncoding encoding = BodyEncoding::plain;
  std::vector<JsonPath> paths;
};

/// Reads an HTTP body in pieces of any size and pulls values out of it: those of JSON, the fields
/// of a form (FormReader), or the whole as a string where it is text. Text that is no UTF-8, or
/// holds NUL bytes, is missing (its base64 is to be had from the event itself). Memory grows with
/// what is wanted only.
class BodyValues {
 public:
  explicit BodyValues(BodyRequest request);

  /// As it stands in the event: decoded from JSON, not from base64.
  void add(std::string_view piece);
  /// In the order of the paths.
  [[nodiscard]] std::vector<JsonValue> finish();

 private:
  void add_bytes(std::string_view bytes);
  void finish_json(std::vector<JsonValue>& values);
  void finish_form(std::vector<JsonValue>& values);
  void finish_text(std::vector<JsonValue>& values);
  [[nodiscard]] std::vector<WantedValue> wanted() const;
  [[nodiscard]] JsonValue text_value() const;

  BodyRequest request_;
  Base64Decoder base64_;
  std::string decoded_;
  std::optional<JsonFilter> json_;
  std::optional<FormReader> form_;
  bool keeps_text_ = false;
  std::string text_;
  bool text_too_large_ = false;
  bool empty_ = true;
};

}  // namespace postlude::extension
