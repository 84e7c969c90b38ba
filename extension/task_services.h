#pragma once

#include "common/environment.h"
#include "extension/aws_endpoint.h"
#include "extension/ca_bundle.h"
#include "extension/credentials.h"
#include "extension/http_call.h"
#include "extension/secret_values.h"

#include <string>

namespace postlude::extension {

/// What all attempts share, on any thread.
struct TaskServices {
  explicit TaskServices(const Environment& of_function)
      : environment(of_function),
        function_name(of_function.get_or("AWS_LAMBDA_FUNCTION_NAME", {})),
        connections(find_ca_bundle(of_function)),
        credentials(of_function),
        endpoints(of_function) {}

  /// Credentials, secrets and connections from before a snapshot. Names are never cached, random
  /// numbers come from the kernel; OpenSSL seeds itself at the first TLS call, which comes after.
  void forget() {
    connections.close_all();
    credentials.forget();
    secrets.forget();
  }

  const Environment environment;
  const std::string function_name;
  HttpConnections connections;
  Credentials credentials;
  const AwsEndpoints endpoints;
  SecretValues secrets;
};

}  // namespace postlude::extension
