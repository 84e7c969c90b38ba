#include "extension/aws_request.h"

#include "common/aws_services.h"
#include "common/json_text.h"

#include <fmt/format.h>

#include <algorithm>

namespace postlude::extension {
namespace {

/// What of a header can be a name: no line end gets in from a template.
bool is_token(std::string_view text) {
  constexpr std::string_view kAlso = "-_.";
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           kAlso.find(c) != std::string_view::npos;
  });
}

bool is_request_target(std::string_view path) {
  return path.starts_with('/') && path.find('#') == std::string_view::npos &&
         std::all_of(path.begin(), path.end(), [](char c) {
           return static_cast<unsigned char>(c) > ' ' && static_cast<unsigned char>(c) < 0x7f;
         });
}

struct Protocol {
  std::string_view target;
  std::string_view json_version;
  std::string_view signing_name;
};

std::string_view first_of(std::string_view given, std::string_view known) {
  return given.empty() ? known : given;
}

Protocol protocol_of(const AwsAction& action) {
  const AwsService* const known = find_aws_service(action.service);
  constexpr std::string_view kUsualVersion = "1.1";
  return {
      .target = first_of(action.target, known == nullptr ? "" : known->target_prefix),
      .json_version = first_of(
          action.json_version,
          known == nullptr || known->json_version.empty() ? kUsualVersion : known->json_version),
      .signing_name =
          first_of(action.signing_name, known == nullptr ? action.service : known->signing_name)};
}

Result<AwsRequest> begin(std::string_view service,
                         std::string_view region,
                         const AwsEndpoints& endpoints) {
  auto endpoint = endpoints.find(service, region);
  if (!endpoint) {
    return tl::unexpected(std::move(endpoint.error()));
  }
  AwsRequest request;
  request.http.url = std::move(endpoint->base);
  request.region = std::move(endpoint->region);
  return request;
}

Result<AwsRequest> by_operation(const AwsAction& action, AwsRequest request) {
  const Protocol protocol = protocol_of(action);
  if (protocol.target.empty()) {
    return fail(action.service + " is none of " + json_service_names() +
                ": it needs target, or method and path");
  }
  if (!is_token(action.operation) || !is_token(protocol.target) ||
      !is_token(protocol.json_version)) {
    return fail(action.service + ": operation, target and jsonVersion are names");
  }
  request.label = action.service + " " + action.operation;
  request.http.url.target += "/";
  request.http.fields.emplace_back("Content-Type",
                                   fmt::format("application/x-amz-json-{}", protocol.json_version));
  request.http.fields.emplace_back("X-Amz-Target",
                                   fmt::format("{}.{}", protocol.target, action.operation));
  request.http.body = action.input;
  return request;
}

Result<AwsRequest> by_path(const AwsAction& action, AwsRequest request) {
  if (!is_token(action.method) || !is_request_target(action.path)) {
    return fail(action.service + ": method is a name, path begins with a slash and is encoded");
  }
  // Without the query, which may hold anything.
  request.label = action.service + " " + action.method;
  request.http.method = action.method;
  request.http.url.target += action.path;
  const bool may_lack_body =
      action.method == "GET" || action.method == "DELETE" || action.method == "HEAD";
  const auto empty_input = [&] {
    return action.input.find_first_not_of("{} \t\r\n") == std::string::npos;
  };
  if (!may_lack_body || !empty_input()) {
    request.http.fields.emplace_back("Content-Type", "application/json");
    request.http.body = action.input;
  }
  return request;
}

}  // namespace

Result<AwsRequest> aws_request(const AwsAction& action,
                               const AwsEndpoints& endpoints,
                               std::string_view trace_id) {
  auto request = begin(action.service, "", endpoints);
  if (!request) {
    return request;
  }
  request->signing_name = protocol_of(action).signing_name;
  if (!is_token(request->signing_name)) {
    return fail(action.service + ": signingName is a name");
  }
  request = action.method.empty() ? by_operation(action, std::move(*request))
                                  : by_path(action, std::move(*request));
  if (request) {
    add_trace(request->http, trace_id);
  }
  return request;
}

Result<AwsRequest> json_request(JsonOperation operation, const AwsEndpoints& endpoints) {
  AwsAction action;
  action.service = operation.service;
  action.operation = operation.operation;
  action.input = std::move(operation.input);
  auto request = begin(operation.service, operation.region, endpoints);
  if (!request) {
    return request;
  }
  request->signing_name = protocol_of(action).signing_name;
  request = by_operation(action, std::move(*request));
  if (request) {
    add_trace(request->http, operation.trace_id);
  }
  return request;
}

void add_trace(HttpRequest& request, std::string_view trace_id) {
  const bool printable =
      std::all_of(trace_id.begin(), trace_id.end(), [](char c) { return c >= ' ' && c <= '~'; });
  if (!trace_id.empty() && printable) {
    request.fields.emplace_back("X-Amzn-Trace-Id", trace_id);
  }
}

}  // namespace postlude::extension
