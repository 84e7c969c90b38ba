#include "runtime/response_mode.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <vector>

namespace postlude::runtime {
namespace {

constexpr std::string_view kMode = "Lambda-Runtime-Function-Response-Mode";

/// The fields that `leave_out` does not name.
template <std::size_t kCount>
std::vector<HeaderField> fields_of(const HttpHead& head,
                                   const std::array<std::string_view, kCount>& leave_out) {
  std::vector<HeaderField> fields;
  FieldCursor cursor(head.field_lines());
  while (const auto field = cursor.next()) {
    if (std::none_of(leave_out.begin(), leave_out.end(), [&field](std::string_view name) {
          return equal_ignoring_case(field->name, name);
        })) {
      fields.push_back(*field);
    }
  }
  return fields;
}

}  // namespace

bool is_buffered(const HttpHead& head) {
  return !head.find(kMode);
}

std::string streamed_head(const HttpHead& head, std::string_view content_type) {
  auto fields = fields_of(head,
                          std::array<std::string_view, 4>{
                              "Content-Length",
                              "Transfer-Encoding",
                              "Expect",
                              content_type.empty() ? std::string_view("Expect") : "Content-Type"});
  if (!content_type.empty()) {
    fields.push_back({"Content-Type", content_type});
  }
  if (head.version() == "HTTP/1.0" && !head.find("Connection")) {
    fields.push_back({"Connection", "close"});  // what its version meant
  }
  fields.push_back({kMode, "streaming"});
  fields.push_back({"Transfer-Encoding", "chunked"});
  return write_head(fmt::format("POST {} HTTP/1.1", head.target()), fields);
}

std::string unchanged_head(const HttpHead& head) {
  if (!head.find("Expect")) {
    return fmt::format("{}\r\n{}\r\n", head.start_line(), head.field_lines());
  }
  return write_head(head.start_line(), fields_of(head, std::array<std::string_view, 1>{"Expect"}));
}

}  // namespace postlude::runtime
