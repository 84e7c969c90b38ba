#include "common/extensions_protocol.h"

#include "common/http_head.h"
#include "common/json_slice.h"
#include "common/json_text.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <array>
#include <charconv>
#include <system_error>

namespace postlude {
namespace {

/// A text member, empty where it is missing or something else.
std::string text_of(const nlohmann::json& object, const char* name) {
  const auto found = object.is_object() ? object.find(name) : object.end();
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

/// The text that a value of valid JSON is, empty where it is something else.
std::string text_in(std::string_view value) {
  if (!value.starts_with('"')) {
    return {};
  }
  const bool plain = value.find('\\') == std::string_view::npos;
  return plain ? std::string(value.substr(1, value.size() - 2))
               : parse_json(value).value().get<std::string>();
}

bool whole_number(std::string_view value, Millis::rep& out) {
  const auto read = std::from_chars(value.data(), value.data() + value.size(), out);
  return read.ec == std::errc() && read.ptr == value.data() + value.size();
}

std::string_view registration_body(Subscription events) {
  switch (events) {
    case Subscription::none:
      break;
    case Subscription::invoke:
      return R"({"events":["INVOKE"]})";
    case Subscription::shutdown:
      return R"({"events":["SHUTDOWN"]})";
    case Subscription::invoke_and_shutdown:
      return R"({"events":["INVOKE","SHUTDOWN"]})";
  }
  return R"({"events":[]})";
}

}  // namespace

std::string register_request(std::string_view host, std::string_view name, Subscription events) {
  const std::string_view body = registration_body(events);
  const std::string length = std::to_string(body.size());
  const std::array<HeaderField, 4> fields = {{{"Host", host},
                                              {"Lambda-Extension-Name", name},
                                              {"Content-Type", "application/json"},
                                              {"Content-Length", length}}};
  return write_head("POST /2020-01-01/extension/register HTTP/1.1", fields).append(body);
}

std::string next_event_request(std::string_view host, std::string_view identifier) {
  const std::array<HeaderField, 2> fields = {
      {{"Host", host}, {"Lambda-Extension-Identifier", identifier}}};
  return write_head("GET /2020-01-01/extension/event/next HTTP/1.1", fields);
}

/// No tree of it: one comes with every invocation, and little of it is asked for.
Result<PlatformEvent> parse_event(std::string_view body) {
  const auto members = slice_object(body);
  if (!members) {
    return fail("event of the platform: " + members.error().message);
  }
  std::string type;
  PlatformEvent event;
  for (const auto& [key, value] : *members) {
    if (key == "eventType") {
      type = text_in(value);
    } else if (key == "requestId") {
      event.request_id = text_in(value);
    } else if (key == "shutdownReason") {
      event.shutdown_reason = text_in(value);
    } else if (Millis::rep deadline = 0; key == "deadlineMs" && whole_number(value, deadline)) {
      event.deadline = from_epoch_ms(deadline);
    }
  }
  if (type == "SHUTDOWN") {
    event.kind = PlatformEvent::Kind::shutdown;
  } else if (type != "INVOKE") {
    return fail(fmt::format("event of the platform: unknown type \"{}\"", type));
  } else if (event.request_id.empty()) {
    return fail("event of the platform: INVOKE without requestId");
  }
  return event;
}

bool says_name_taken(int status, std::string_view body) {
  constexpr int kForbidden = 403;
  const auto parsed = parse_json(body);
  return status == kForbidden && parsed &&
         text_of(*parsed, "errorType") == "Extension.InvalidExtensionState";
}

std::string describe_refusal(int status, std::string_view body) {
  const auto parsed = parse_json(body);
  if (!parsed || text_of(*parsed, "errorType").empty()) {
    return std::to_string(status);
  }
  return fmt::format(
      "{} {}: {}", status, text_of(*parsed, "errorType"), text_of(*parsed, "errorMessage"));
}

}  // namespace postlude
