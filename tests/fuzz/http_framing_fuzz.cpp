// Any bytes as a stream of HTTP messages: they are found the same however the stream is cut, no
// byte is lost or seen twice, and what was taken for a head can be read as one.
#include "common/http_framing.h"
#include "common/http_head.h"
#include "tests/fuzz/require.h"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

namespace {

using postlude::FramingEvent;
using postlude::HttpFraming;
using postlude::MessageKind;
using postlude::testing::require;

/// What was found. Payload that came in pieces is one.
struct Found {
  FramingEvent event = FramingEvent::need_more;
  std::string bytes;

  friend bool operator==(const Found&, const Found&) = default;
};

struct Reading {
  std::vector<Found> found;
  std::string left;  ///< not consumed
  bool may_close = false;

  friend bool operator==(const Reading&, const Reading&) = default;
};

void check_head(std::string_view bytes) {
  const postlude::HttpHead head(bytes);
  postlude::FieldCursor cursor(head.field_lines());
  std::vector<postlude::HeaderField> fields;
  while (const auto field = cursor.next()) {
    require(field->name.data() >= bytes.data() &&
            field->name.data() + field->name.size() <= bytes.data() + bytes.size());
    require(head.find(field->name).has_value());
    fields.push_back(*field);
  }
  const std::string written = postlude::write_head("GET / HTTP/1.1", fields);
  require(std::count(written.begin(), written.end(), '\n') ==
          static_cast<std::ptrdiff_t>(fields.size() + 2));
  require(head.status() >= 0);
}

void note(Reading& reading, FramingEvent event, std::string_view bytes) {
  if (event == FramingEvent::payload && !reading.found.empty() &&
      reading.found.back().event == event) {
    reading.found.back().bytes += bytes;
    return;
  }
  if (event == FramingEvent::head) {
    check_head(bytes);
  }
  reading.found.push_back({event, std::string(bytes)});
}

/// The stream in blocks of at most `block` bytes.
Reading read_stream(MessageKind kind, std::string_view stream, std::size_t block) {
  HttpFraming framing(kind);
  Reading reading;
  std::string buffer;
  while (!stream.empty()) {
    const std::size_t count = std::min(block, stream.size());
    buffer.append(stream.substr(0, count));
    stream.remove_prefix(count);
    while (true) {
      const auto step = framing.next(buffer);
      require(step.consumed <= buffer.size());
      if (step.event == FramingEvent::need_more) {
        require(step.consumed == 0);
        break;
      }
      if (step.event == FramingEvent::invalid) {
        reading.found.push_back({step.event, {}});
        return reading;
      }
      require(step.consumed > 0 || step.event == FramingEvent::end);
      note(reading, step.event, std::string_view(buffer).substr(0, step.consumed));
      buffer.erase(0, step.consumed);
      if (buffer.empty() && step.event == FramingEvent::end) {
        break;
      }
    }
  }
  reading.left = std::move(buffer);
  reading.may_close = framing.may_close();
  return reading;
}

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer calls it by this name
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) {
    return 0;
  }
  const auto kind = (data[0] & 1U) != 0 ? MessageKind::response : MessageKind::request;
  const std::string_view stream = postlude::testing::text_of(data, size).substr(1);
  const Reading whole = read_stream(kind, stream, std::max<std::size_t>(stream.size(), 1));
  for (const std::size_t block : std::array<std::size_t, 3>{1, 7, 64}) {
    const Reading pieces = read_stream(kind, stream, block);
    const bool refused = !whole.found.empty() && whole.found.back().event == FramingEvent::invalid;
    const bool refused_in_pieces =
        !pieces.found.empty() && pieces.found.back().event == FramingEvent::invalid;
    require(refused == refused_in_pieces);
    require(pieces == whole);
  }
  return 0;
}
