#pragma once

#include "common/clock.h"
#include "common/error.h"
#include "extension/aws_credentials.h"
#include "extension/http_call.h"

#include <string>
#include <string_view>

namespace postlude::extension {

/// For whom and when a request is signed. AWS takes a signature for five minutes around `at`.
struct SigningScope {
  std::string_view service;  ///< signing name: "sqs", "s3"
  std::string_view region;
  EpochTime at;
};

/// Signs with AWS Signature Version 4: adds X-Amz-Date, X-Amz-Security-Token, for s3
/// x-amz-content-sha256, and Authorization. Every field that is there is signed, but for those
/// that stations on the way change (X-Amzn-Trace-Id, User-Agent, Connection, ...); Host is signed
/// as Url::authority() writes it. The path of a request to s3 is signed as it stands, any other
/// normalised and encoded once more. In the query a plus sign stands for a space. Pure.
[[nodiscard]] Result<void> sign(HttpRequest& request,
                                const AwsCredentials& credentials,
                                const SigningScope& scope);

/// The text whose hash is signed, for tests: `payload_hash` in hexadecimal.
[[nodiscard]] std::string canonical_request(const HttpRequest& request,
                                            std::string_view service,
                                            std::string_view payload_hash);

/// "host", or "host:port" where the port is not the scheme's own.
[[nodiscard]] std::string host_field(const Url& url);

/// "20150830T123600Z"
[[nodiscard]] std::string amz_date(EpochTime at);

}  // namespace postlude::extension
