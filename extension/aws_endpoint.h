#pragma once

#include "common/environment.h"
#include "common/error.h"
#include "common/url.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace postlude::extension {

/// Where a service is asked, and in which region its requests are signed.
struct AwsEndpoint {
  Url base;  ///< `target` is the path that all requests begin with, without a slash at its end
  std::string region;
  bool configured = false;  ///< by AWS_ENDPOINT_URL...
};

/// Endpoints of AWS services as this environment has them: AWS_ENDPOINT_URL_<id>, AWS_ENDPOINT_URL
/// (neither with AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=true), else AWS's own host names. Immutable,
/// for any thread.
class AwsEndpoints {
 public:
  explicit AwsEndpoints(const Environment& environment);

  /// `service` as tasks name it. An empty `region` is AWS_REGION, else AWS_DEFAULT_REGION; an error
  /// where both are unset, and where a configured endpoint is no URL.
  [[nodiscard]] Result<AwsEndpoint> find(std::string_view service, std::string_view region) const;

  /// S3's, of one bucket: virtual-hosted, but path style at a configured endpoint and for buckets
  /// that no certificate of AWS covers (dots) or that are no host name.
  [[nodiscard]] Result<AwsEndpoint> find_bucket(std::string_view bucket) const;

 private:
  [[nodiscard]] std::string_view configured(std::string_view service) const;

  std::vector<std::pair<std::string, std::string>> urls_;  ///< by variable
  std::string region_;
};

/// "http://127.0.0.1:4566", with or without a path. No query, fragment, user name or white space.
[[nodiscard]] Result<Url> parse_endpoint_url(std::string_view text);

}  // namespace postlude::extension
