#include "tests/functional/runtime_calls.h"

#include <fmt/format.h>

namespace postlude::testing {

void RuntimeCalls::send_next() {
  client_.request("GET", "/2018-06-01/runtime/invocation/next");
}

RawResponse RuntimeCalls::next() {
  send_next();
  return read();
}

RawResponse RuntimeCalls::post(const std::string& path,
                               const std::string& body,
                               const Headers& headers) {
  client_.request("POST", path, headers, body);
  return read();
}

RawResponse RuntimeCalls::respond(const std::string& id,
                                  const std::string& body,
                                  const Headers& headers) {
  return post("/2018-06-01/runtime/invocation/" + id + "/response", body, headers);
}

RawResponse RuntimeCalls::fail(const std::string& id,
                               const std::string& body,
                               const Headers& headers) {
  return post("/2018-06-01/runtime/invocation/" + id + "/error", body, headers);
}

RawResponse RuntimeCalls::register_extension(const std::string& name, const std::string& body) {
  Headers headers{{"Content-Type", "application/json"}};
  if (!name.empty()) {
    headers.emplace_back("Lambda-Extension-Name", name);
  }
  return post("/2020-01-01/extension/register", body, headers);
}

void RuntimeCalls::send_event_next(const std::string& identifier) {
  Headers headers;
  if (!identifier.empty()) {
    headers.emplace_back("Lambda-Extension-Identifier", identifier);
  }
  client_.request("GET", "/2020-01-01/extension/event/next", headers);
}

RawResponse RuntimeCalls::event_next(const std::string& identifier) {
  send_event_next(identifier);
  return read();
}

std::string id_of(const RawResponse& event) {
  return event.header("Lambda-Runtime-Aws-Request-Id").value_or("");
}

std::string chunk(const std::string& bytes) {
  return fmt::format("{:x}\r\n{}\r\n", bytes.size(), bytes);
}

std::string streaming_head(const std::string& id,
                           const std::string& content_type,
                           const std::string& more_lines) {
  return fmt::format(
      "POST /2018-06-01/runtime/invocation/{}/response HTTP/1.1\r\n"
      "Host: test\r\n"
      "Lambda-Runtime-Function-Response-Mode: streaming\r\n"
      "Content-Type: {}\r\n"
      "Transfer-Encoding: chunked\r\n"
      "{}\r\n",
      id,
      content_type,
      more_lines);
}

}  // namespace postlude::testing
