#include "tests/emulator/event_stream.h"

#include <nlohmann/json.hpp>
#include <zlib.h>

#include <cassert>
#include <cstdint>

namespace postlude::emulator {
namespace {

constexpr unsigned kByteBits = 8;
/// The header value that follows is a string with a length of two bytes.
constexpr char kStringType = 7;

void append_number(std::string& out, std::uint32_t number, unsigned bytes) {
  for (unsigned i = bytes; i > 0; --i) {
    out.push_back(static_cast<char>((number >> ((i - 1) * kByteBits)) & 0xffU));
  }
}

std::uint32_t checksum(std::string_view bytes) {
  return static_cast<std::uint32_t>(
      ::crc32(0, reinterpret_cast<const Bytef*>(bytes.data()), static_cast<uInt>(bytes.size())));
}

void append_header(std::string& out, std::string_view name, std::string_view value) {
  append_number(out, static_cast<std::uint32_t>(name.size()), 1);
  out.append(name);
  out.push_back(kStringType);
  append_number(out, static_cast<std::uint32_t>(value.size()), 2);
  out.append(value);
}

std::string message(std::string_view event, std::string_view content_type, std::string_view body) {
  std::string headers;
  append_header(headers, ":event-type", event);
  append_header(headers, ":content-type", content_type);
  append_header(headers, ":message-type", "event");
  constexpr std::size_t kFraming = 16;  // two lengths and two checksums
  constexpr unsigned kWord = 4;
  std::string out;
  append_number(out, static_cast<std::uint32_t>(kFraming + headers.size() + body.size()), kWord);
  append_number(out, static_cast<std::uint32_t>(headers.size()), kWord);
  append_number(out, checksum(out), kWord);
  out += headers;
  out.append(body);
  append_number(out, checksum(out), kWord);
  return out;
}

}  // namespace

std::string payload_chunk(std::string_view bytes) {
  assert(bytes.size() <= kMaxEventPayload);
  return message("PayloadChunk", "application/octet-stream", bytes);
}

std::string invoke_complete(const InvokeEnd& end) {
  auto members = nlohmann::ordered_json::object();
  const auto add = [&](const char* name, const std::string& value) {
    if (!value.empty()) {
      members[name] = value;
    }
  };
  add("ErrorCode", end.error_code);
  add("ErrorDetails", end.error_details);
  add("LogResult", end.log_result);
  return message("InvokeComplete",
                 "application/json",
                 members.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

}  // namespace postlude::emulator
