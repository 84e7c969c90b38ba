#include "extension/aws_endpoint.h"

#include "common/arn.h"
#include "common/aws_services.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <optional>

namespace postlude::extension {
namespace {

constexpr std::string_view kVariable = "AWS_ENDPOINT_URL";
constexpr std::uint16_t kHttpsPort = 443;
constexpr std::uint16_t kHttpPort = 80;
/// Of a label of a host name; S3 allows no longer bucket names either.
constexpr std::size_t kMostLabelBytes = 63;

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) {
    return static_cast<char>(std::tolower(c));
  });
  return out;
}

std::optional<std::uint16_t> port_of(std::string_view digits) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  const bool whole = error == std::errc() && end == digits.data() + digits.size();
  return whole && port != 0 ? std::optional(port) : std::nullopt;
}

/// Takes "[::1]" or "host" from the start of `authority`, leaves ":port" or nothing. Empty: no
/// host.
std::string take_host(std::string_view& authority) {
  const bool bracketed = authority.starts_with('[');
  const std::size_t end = authority.find(bracketed ? ']' : ':');
  if (bracketed && end == std::string_view::npos) {
    return {};
  }
  std::string host = lower(bracketed ? authority.substr(1, end - 1) : authority.substr(0, end));
  authority.remove_prefix(bracketed ? end + 1 : std::min(end, authority.size()));
  return host;
}

bool is_host_label(std::string_view bucket) {
  return !bucket.empty() && bucket.size() <= kMostLabelBytes && bucket.front() != '-' &&
         bucket.back() != '-' && std::all_of(bucket.begin(), bucket.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
         });
}

bool in_one_word(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return static_cast<unsigned char>(c) > ' ' && c != '\x7f';
  });
}

}  // namespace

Result<Url> parse_endpoint_url(std::string_view text) {
  Url url;
  const std::string scheme = lower(text.substr(0, std::min(text.find("://"), text.size())));
  if ((scheme != "http" && scheme != "https") || !in_one_word(text) ||
      text.find_first_of("?#@") != std::string_view::npos) {
    return fail("expected http://host:port or https://host:port, with or without a path");
  }
  url.tls = scheme == "https";
  text.remove_prefix(scheme.size() + std::string_view("://").size());
  std::string_view authority = text.substr(0, text.find('/'));
  url.target = text.substr(authority.size());
  while (url.target.ends_with('/')) {
    url.target.pop_back();
  }
  url.host = take_host(authority);
  if (url.host.empty()) {
    return fail("no host");
  }
  url.port = url.tls ? kHttpsPort : kHttpPort;
  if (!authority.empty()) {
    const auto port = port_of(authority.substr(1));
    if (!port || authority.front() != ':') {
      return fail("bad port");
    }
    url.port = *port;
  }
  return url;
}

AwsEndpoints::AwsEndpoints(const Environment& environment) {
  std::string_view region = environment.get_or("AWS_REGION", "");
  if (region.empty()) {
    region = environment.get_or("AWS_DEFAULT_REGION", "");
  }
  region_ = region;
  if (lower(environment.get_or("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "")) == "true") {
    return;
  }
  for (const auto& [name, value] : environment.variables()) {
    if (name.starts_with(kVariable) && !value.empty()) {
      urls_.emplace_back(name, value);
    }
  }
}

std::string_view AwsEndpoints::configured(std::string_view service) const {
  const std::string own = fmt::format("{}_{}", kVariable, endpoint_id_of(service));
  for (const std::string_view variable : {std::string_view(own), kVariable}) {
    const auto found = std::find_if(
        urls_.begin(), urls_.end(), [&](const auto& url) { return url.first == variable; });
    if (found != urls_.end()) {
      return found->second;
    }
  }
  return {};
}

Result<AwsEndpoint> AwsEndpoints::find(std::string_view service, std::string_view region) const {
  AwsEndpoint endpoint;
  endpoint.region = region.empty() ? region_ : region;
  if (endpoint.region.empty()) {
    return fail("no AWS region: AWS_REGION and AWS_DEFAULT_REGION are both unset");
  }
  if (!valid_region(endpoint.region)) {
    return fail("the AWS region is not of the form eu-west-1");
  }
  if (const std::string_view url = configured(service); !url.empty()) {
    auto base = parse_endpoint_url(url);
    if (!base) {
      return fail(
          fmt::format("the endpoint of {} in {}...: {}", service, kVariable, base.error().message));
    }
    endpoint.base = std::move(*base);
    endpoint.configured = true;
    return endpoint;
  }
  if (!valid_service_name(service)) {
    return fail("the service is no name of an AWS service");
  }
  const AwsService* const known = find_aws_service(service);
  endpoint.base.host = fmt::format("{}.{}.{}",
                                   known == nullptr ? service : known->endpoint,
                                   endpoint.region,
                                   dns_suffix(partition_of_region(endpoint.region)));
  endpoint.base.port = kHttpsPort;
  endpoint.base.target.clear();
  return endpoint;
}

Result<AwsEndpoint> AwsEndpoints::find_bucket(std::string_view bucket) const {
  auto endpoint = find("s3", "");
  if (!endpoint) {
    return endpoint;
  }
  if (endpoint->configured || !is_host_label(bucket)) {
    endpoint->base.target.append("/").append(bucket);
  } else {
    endpoint->base.host.insert(0, std::string(bucket) + ".");
  }
  return endpoint;
}

}  // namespace postlude::extension
