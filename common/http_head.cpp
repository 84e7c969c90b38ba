#include "common/http_head.h"

#include <algorithm>
#include <charconv>

namespace postlude {
namespace {

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) {
    return {};
  }
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

std::string_view take_line(std::string_view& rest) {
  const std::size_t end = rest.find("\r\n");
  const std::string_view line = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 2);
  return line;
}

void append_value(std::string& out, std::string_view value) {
  for (const char c : value) {
    out.push_back(c == '\r' || c == '\n' || c == '\0' ? ' ' : c);
  }
}

}  // namespace

HttpHead::HttpHead(std::string_view bytes) {
  while (bytes.starts_with("\r\n")) {
    bytes.remove_prefix(2);
  }
  start_line_ = take_line(bytes);
  if (bytes.ends_with("\r\n")) {
    bytes.remove_suffix(2);
  }
  field_lines_ = bytes;
}

std::string_view HttpHead::method() const {
  const std::size_t space = start_line_.find(' ');
  return space == std::string_view::npos || start_line_.starts_with("HTTP/")
             ? std::string_view{}
             : start_line_.substr(0, space);
}

std::string_view HttpHead::target() const {
  const std::size_t first = start_line_.find(' ');
  const std::size_t last = start_line_.rfind(' ');
  return first == last || start_line_.starts_with("HTTP/")
             ? std::string_view{}
             : start_line_.substr(first + 1, last - first - 1);
}

int HttpHead::status() const {
  constexpr std::size_t kCodeAt = 9;  // behind "HTTP/1.1 "
  constexpr std::size_t kCodeSize = 3;
  if (!start_line_.starts_with("HTTP/1.") || start_line_.size() < kCodeAt + kCodeSize) {
    return 0;
  }
  int code = 0;
  const char* first = start_line_.data() + kCodeAt;
  const auto parsed = std::from_chars(first, first + kCodeSize, code);
  return parsed.ec == std::errc{} && parsed.ptr == first + kCodeSize ? code : 0;
}

std::string_view HttpHead::version() const {
  if (start_line_.starts_with("HTTP/")) {
    return start_line_.substr(0, start_line_.find(' '));
  }
  const std::size_t last = start_line_.rfind(' ');
  return last == std::string_view::npos ? std::string_view{} : start_line_.substr(last + 1);
}

std::optional<std::string_view> HttpHead::find(std::string_view name) const {
  return find_field(field_lines_, name);
}

bool HttpHead::has_token(std::string_view name, std::string_view token) const {
  FieldCursor cursor(field_lines_);
  while (const auto field = cursor.next()) {
    if (!equal_ignoring_case(field->name, name)) {
      continue;
    }
    std::string_view list = field->value;
    while (!list.empty()) {
      const std::size_t comma = std::min(list.find(','), list.size());
      if (equal_ignoring_case(trimmed(list.substr(0, comma)), token)) {
        return true;
      }
      list.remove_prefix(std::min(comma + 1, list.size()));
    }
  }
  return false;
}

std::optional<HeaderField> FieldCursor::next() {
  if (rest_.empty()) {
    return std::nullopt;
  }
  const std::string_view line = take_line(rest_);
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) {
    return HeaderField{line, {}};
  }
  return HeaderField{line.substr(0, colon), trimmed(line.substr(colon + 1))};
}

bool equal_ignoring_case(std::string_view left, std::string_view right) {
  return std::equal(left.begin(), left.end(), right.begin(), right.end(), [](char a, char b) {
    return lower(a) == lower(b);
  });
}

std::optional<std::string_view> find_field(std::string_view field_lines, std::string_view name) {
  FieldCursor cursor(field_lines);
  while (const auto field = cursor.next()) {
    if (equal_ignoring_case(field->name, name)) {
      return field->value;
    }
  }
  return std::nullopt;
}

std::string write_head(std::string_view start_line, std::span<const HeaderField> fields) {
  std::string out(start_line);
  out.append("\r\n");
  for (const HeaderField& field : fields) {
    append_value(out, field.name);
    out.append(": ");
    append_value(out, field.value);
    out.append("\r\n");
  }
  out.append("\r\n");
  return out;
}

}  // namespace postlude
