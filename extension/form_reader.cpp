#include "extension/form_reader.h"

#include "extension/json_escape.h"

#include <algorithm>
#include <utility>

namespace postlude::extension {
namespace {

/// What a field costs beside its text, so that a form of a million empty fields is bounded too.
constexpr std::size_t kFieldBytes = 64;

/// -1: none.
int hex_value(char c) {
  constexpr int kTen = 10;
  if (c >= '0' && c <= '9') {
    return c - '0';
  }
  if (c >= 'a' && c <= 'f') {
    return c - 'a' + kTen;
  }
  return c >= 'A' && c <= 'F' ? c - 'A' + kTen : -1;
}

}  // namespace

void FormReader::add(std::string_view piece) {
  std::size_t at = 0;
  while (at < piece.size() && !too_large_) {
    at = step(piece, at);
  }
}

std::size_t FormReader::step(std::string_view piece, std::size_t at) {
  if (part_ == Part::ignored) {
    at = std::min(piece.find('&', at), piece.size());
    if (at == piece.size()) {
      return at;
    }
  }
  const char c = piece[at];
  if (c == '&') {
    end_field();
  } else if (c == '=' && part_ == Part::name) {
    end_name();
  } else {
    add_character(c);
  }
  return at + 1;
}

void FormReader::add_character(char c) {
  constexpr int kSixteen = 16;
  if (!percent_.empty()) {
    if (hex_value(c) >= 0) {
      percent_.push_back(c);
      if (percent_.size() == 3) {
        const int byte = hex_value(percent_[1]) * kSixteen + hex_value(percent_[2]);
        text_.push_back(static_cast<char>(static_cast<unsigned char>(byte)));
        percent_.clear();
      }
      return;
    }
    flush_percent();
  }
  if (c == '%') {
    percent_.push_back(c);
  } else {
    text_.push_back(c == '+' ? ' ' : c);
  }
  if (part_ == Part::name && text_.size() > kMaxFormNameBytes) {
    part_ = Part::ignored;
  } else if (text_.size() > kMaxTemplateValueBytes) {
    too_large_ = true;
  }
}

void FormReader::flush_percent() {
  text_.append(std::exchange(percent_, {}));
}

void FormReader::end_name() {
  flush_percent();
  name_ = std::exchange(text_, {});
  part_ = !wanted_ || wanted_->count(name_) > 0 ? Part::value : Part::ignored;
}

void FormReader::end_field() {
  const bool empty = part_ == Part::name && text_.empty() && percent_.empty();
  if (part_ == Part::name && !empty) {
    end_name();
  }
  flush_percent();
  if (part_ == Part::value) {
    keep_value();
  }
  part_ = Part::name;
  text_.clear();
}

void FormReader::keep_value() {
  const auto [position, added] = positions_.try_emplace(name_, fields_.size());
  if (added) {
    fields_.push_back({name_, {}, 0});
    kept_bytes_ += 2 * name_.size() + kFieldBytes;
  }
  Field& field = fields_[position->second];
  const std::string value = json_string(text_);
  kept_bytes_ += value.size() + 1;
  if (kept_bytes_ > kMaxTemplateValueBytes) {
    too_large_ = true;
    return;
  }
  field.values.append(field.count == 0 ? "" : ",").append(value);
  ++field.count;
}

JsonValue FormReader::finish() {
  end_field();
  if (too_large_) {
    return JsonValue::too_large();
  }
  std::string object = "{";
  for (const Field& field : fields_) {
    object.append(object.size() == 1 ? "" : ",").append(json_string(field.name)).push_back(':');
    const bool one = field.count == 1;
    object.append(one ? "" : "[").append(field.values).append(one ? "" : "]");
  }
  object.push_back('}');
  return JsonValue::found(std::move(object));
}

JsonValue read_form(std::string_view text) {
  FormReader reader(std::nullopt);
  reader.add(text);
  return reader.finish();
}

std::string decode_form_text(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const int high = text[at] == '%' && at + 2 < text.size() ? hex_value(text[at + 1]) : -1;
    const int low = high >= 0 ? hex_value(text[at + 2]) : -1;
    if (low >= 0) {
      constexpr int kSixteen = 16;
      out.push_back(static_cast<char>(static_cast<unsigned char>(high * kSixteen + low)));
      at += 2;
    } else {
      out.push_back(text[at] == '+' ? ' ' : text[at]);
    }
  }
  return out;
}

}  // namespace postlude::extension
