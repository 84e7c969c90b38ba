#include "tests/emulator/caller_request.h"

#include "common/base64.h"

#include <doctest/doctest.h>

#include <string>

using namespace postlude::emulator;  // NOLINT(google-build-using-namespace)

namespace {

CallerRequest given(const std::string& type, std::string body = "{}") {
  CallerRequest request;
  request.function = "function";
  request.type = type;
  request.body = std::move(body);
  return request;
}

std::string error_of(const CallerRequest& request) {
  const auto checked = check_call({}, request);
  const auto* error = std::get_if<ServiceError>(&checked);
  return error != nullptr ? error->type : std::string();
}

}  // namespace

TEST_CASE("a call is asked for, queued or tried, and nothing else") {
  const auto type = [](const std::string& text) {
    return std::get<CheckedCall>(check_call({}, given(text))).type;
  };
  CHECK(type("") == InvocationType::request_response);
  CHECK(type("RequestResponse") == InvocationType::request_response);
  CHECK(type("Event") == InvocationType::event);
  CHECK(type("DryRun") == InvocationType::dry_run);
  CHECK(error_of(given("Later")) == "InvalidParameterValueException");
  CallerRequest stream = given("Event");
  stream.mode = CallerMode::streamed;
  CHECK(error_of(stream) == "InvalidParameterValueException");
  stream.type = "DryRun";
  CHECK(error_of(stream).empty());
}

TEST_CASE("an Event may be smaller only, and no client context goes with it") {
  const std::string large = "\"" + std::string(std::size_t{2} << 20, 'x') + "\"";
  CHECK(error_of(given("Event", large)) == "RequestTooLargeException");
  CHECK(error_of(given("RequestResponse", large)).empty());
  CallerRequest request = given("Event");
  request.client_context = "e30=";
  CHECK(std::get<CheckedCall>(check_call({}, request)).request.client_context.empty());
  request.type = "RequestResponse";
  CHECK(std::get<CheckedCall>(check_call({}, request)).request.client_context == "{}");
}

TEST_CASE("what is tried is checked like what runs") {
  CHECK(error_of(given("DryRun", "{no json")) == "InvalidRequestContentException");
  CallerRequest other = given("DryRun");
  other.function = "other";
  CHECK(error_of(other) == "ResourceNotFoundException");
  CallerRequest context = given("DryRun");
  context.client_context = "*";
  CHECK(error_of(context) == "InvalidRequestContentException");
}

TEST_CASE("a client context has a limit in its header") {
  CallerRequest request = given("RequestResponse");
  request.client_context = postlude::base64_encode("\"" + std::string(2685, 'x') + "\"");
  CHECK(request.client_context.size() == 3584);
  CHECK(error_of(request) == "InvalidRequestContentException");
  request.client_context = postlude::base64_encode("\"" + std::string(2680, 'x') + "\"");
  CHECK(request.client_context.size() == 3576);
  CHECK(error_of(request).empty());
}

TEST_CASE("a body that is no JSON is told where it is not") {
  const auto checked = check_call({}, given("RequestResponse", "{\"a\":}"));
  const auto* error = std::get_if<ServiceError>(&checked);
  REQUIRE(error != nullptr);
  const std::string start = R"({"Type":"User","message":"Could not parse request body into json: )";
  CHECK(error->body.starts_with(start));
  CHECK(error->body.size() > start.size() + 2);
}

TEST_CASE("an empty body is an empty object") {
  CHECK(std::get<CheckedCall>(check_call({}, given("", ""))).request.payload == "{}");
}
