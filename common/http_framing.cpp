#include "common/http_framing.h"

#include "common/http_head.h"

#include <algorithm>
#include <charconv>
#include <optional>

namespace postlude {
namespace {

constexpr std::string_view kLineEnd = "\r\n";

struct SectionEnd {
  enum class Kind { found, incomplete, malformed } kind = Kind::incomplete;
  std::size_t size = 0;     ///< where found
  std::size_t scanned = 0;  ///< up to the start of the last incomplete line
};

/// A section is lines up to and including the first empty one. `from` is the start of a line.
SectionEnd find_section_end(std::string_view input, std::size_t from) {
  std::size_t line = from;
  while (true) {
    const std::size_t feed = input.find('\n', line);
    if (feed == std::string_view::npos) {
      return {SectionEnd::Kind::incomplete, 0, line};
    }
    if (feed == line || input[feed - 1] != '\r') {
      return {SectionEnd::Kind::malformed, 0, line};
    }
    if (feed == line + 1) {
      return {SectionEnd::Kind::found, feed + 1, feed + 1};
    }
    line = feed + 1;
  }
}

bool valid_field_lines(std::string_view lines) {
  FieldCursor cursor(lines);
  while (const auto field = cursor.next()) {
    const bool empty_value = field->value.empty();
    if (field->name.empty() || field->name.find_first_of(" \t") != std::string_view::npos ||
        (empty_value && *(field->name.data() + field->name.size()) != ':')) {
      return false;
    }
  }
  return true;
}

struct Lengths {
  bool valid = true;
  bool transfer_encoding = false;
  std::string_view last_coding;
  std::optional<std::uint64_t> content_length;
};

std::string_view last_list_item(std::string_view list) {
  const std::size_t comma = list.rfind(',');
  std::string_view item = comma == std::string_view::npos ? list : list.substr(comma + 1);
  item.remove_prefix(std::min(item.find_first_not_of(" \t"), item.size()));
  return item;
}

std::optional<std::uint64_t> parse_decimal(std::string_view text) {
  std::uint64_t value = 0;
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, value);
  return parsed.ec == std::errc{} && parsed.ptr == end ? std::optional(value) : std::nullopt;
}

Lengths lengths_of(const HttpHead& head) {
  Lengths found;
  FieldCursor cursor(head.field_lines());
  while (const auto field = cursor.next()) {
    if (equal_ignoring_case(field->name, "transfer-encoding")) {
      found.transfer_encoding = true;
      found.last_coding = last_list_item(field->value);
    } else if (equal_ignoring_case(field->name, "content-length")) {
      const auto length = parse_decimal(field->value);
      found.valid =
          found.valid && length && (!found.content_length || *found.content_length == *length);
      found.content_length = length;
    }
  }
  found.valid = found.valid && !(found.transfer_encoding && found.content_length);
  return found;
}

bool interim(int status) {
  constexpr int kFirstFinal = 200;
  constexpr int kSwitchingProtocols = 101;
  return status < kFirstFinal && status != kSwitchingProtocols;
}

bool bodiless(int status) {
  constexpr int kNoContent = 204;
  constexpr int kNotModified = 304;
  return interim(status) || status == kNoContent || status == kNotModified;
}

}  // namespace

FramingStep HttpFraming::next(std::string_view input) {
  switch (state_) {
    case State::head:
      return next_head(input);
    case State::sized:
      return next_sized(input, State::done);
    case State::chunk_size:
      return next_chunk_size(input);
    case State::chunk_data:
      return next_sized(input, State::chunk_end);
    case State::chunk_end:
      return next_chunk_end(input);
    case State::trailers:
      return next_trailers(input);
    case State::until_close:
      return input.empty() ? FramingStep{} : FramingStep{FramingEvent::payload, input.size()};
    case State::done:
      state_ = State::head;
      chunked_ = false;
      no_body_ = no_body_ && interim_;
      return {FramingEvent::end, 0};
    case State::invalid:
      break;
  }
  return refuse();
}

FramingStep HttpFraming::refuse() {
  state_ = State::invalid;
  return {FramingEvent::invalid, 0};
}

FramingStep HttpFraming::next_head(std::string_view input) {
  // Empty lines before a start line are skipped (RFC 9112, 2.2) and belong to the head's bytes.
  std::size_t start = 0;
  while (input.substr(start).starts_with(kLineEnd)) {
    start += kLineEnd.size();
  }
  const SectionEnd section = find_section_end(input, std::max(start, scanned_));
  if (section.kind == SectionEnd::Kind::malformed || section.size > kMaxHeadBytes ||
      (section.kind == SectionEnd::Kind::incomplete && input.size() > kMaxHeadBytes)) {
    return refuse();
  }
  if (section.kind == SectionEnd::Kind::incomplete) {
    scanned_ = section.scanned;
    return {};
  }
  scanned_ = 0;
  state_ = body_state(input.substr(start, section.size - start));
  return state_ == State::invalid ? refuse() : FramingStep{FramingEvent::head, section.size};
}

HttpFraming::State HttpFraming::body_state(std::string_view head_bytes) {
  const HttpHead head(head_bytes);
  const Lengths lengths = lengths_of(head);
  const bool request = kind_ == MessageKind::request;
  const bool start_line_ok = request ? !head.method().empty() && !head.target().empty() &&
                                           head.version().starts_with("HTTP/1.")
                                     : head.status() >= 100;
  if (!start_line_ok || !lengths.valid || !valid_field_lines(head.field_lines())) {
    return State::invalid;
  }
  interim_ = !request && interim(head.status());
  if (!request && (no_body_ || bodiless(head.status()))) {
    return State::done;
  }
  chunked_ = lengths.transfer_encoding && equal_ignoring_case(lengths.last_coding, "chunked");
  if (chunked_) {
    return State::chunk_size;
  }
  if (lengths.transfer_encoding) {
    return request ? State::invalid : State::until_close;
  }
  remaining_ = lengths.content_length.value_or(0);
  if (remaining_ > 0) {
    return State::sized;
  }
  return request || lengths.content_length ? State::done : State::until_close;
}

FramingStep HttpFraming::next_sized(std::string_view input, State after) {
  if (input.empty()) {
    return {};
  }
  const std::size_t size = std::min<std::uint64_t>(remaining_, input.size());
  remaining_ -= size;
  if (remaining_ == 0) {
    state_ = after;
  }
  return {FramingEvent::payload, size};
}

FramingStep HttpFraming::next_chunk_size(std::string_view input) {
  const std::size_t feed = input.substr(0, kMaxChunkLineBytes).find('\n');
  if (feed == std::string_view::npos) {
    return input.size() >= kMaxChunkLineBytes ? refuse() : FramingStep{};
  }
  if (feed == 0 || input[feed - 1] != '\r') {
    return refuse();
  }
  const std::string_view line = input.substr(0, feed - 1);
  const char* end = line.data() + line.size();
  const auto parsed = std::from_chars(line.data(), end, remaining_, 16);
  const bool delimited =
      parsed.ptr == end || *parsed.ptr == ';' || *parsed.ptr == ' ' || *parsed.ptr == '\t';
  if (parsed.ec != std::errc{} || !delimited) {
    return refuse();
  }
  state_ = remaining_ == 0 ? State::trailers : State::chunk_data;
  return {FramingEvent::framing, feed + 1};
}

FramingStep HttpFraming::next_chunk_end(std::string_view input) {
  if (input.size() < kLineEnd.size()) {
    return kLineEnd.starts_with(input) ? FramingStep{} : refuse();
  }
  if (!input.starts_with(kLineEnd)) {
    return refuse();
  }
  state_ = State::chunk_size;
  return {FramingEvent::framing, kLineEnd.size()};
}

FramingStep HttpFraming::next_trailers(std::string_view input) {
  const SectionEnd section = find_section_end(input, scanned_);
  if (section.kind == SectionEnd::Kind::malformed || section.size > kMaxTrailerBytes ||
      (section.kind == SectionEnd::Kind::incomplete && input.size() > kMaxTrailerBytes)) {
    return refuse();
  }
  if (section.kind == SectionEnd::Kind::incomplete) {
    scanned_ = section.scanned;
    return {};
  }
  scanned_ = 0;
  if (!valid_field_lines(input.substr(0, section.size - kLineEnd.size()))) {
    return refuse();
  }
  state_ = State::done;
  return {FramingEvent::trailers, section.size};
}

}  // namespace postlude
