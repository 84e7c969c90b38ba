#pragma once

#include "extension/http_call.h"
#include "tests/fakes/certificates.h"
#include "tests/fakes/http_peer.h"
#include "tests/fakes/temp_dir.h"

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace postlude::testing {

/// HTTP connections that trust a private authority and know a few names of their own.
class HttpBench {
 public:
  HttpBench();

  using Answer = tl::expected<extension::HttpAnswer, extension::HttpFailure>;

  /// By now + `time`.
  Answer perform(const extension::HttpRequest& request, Millis time = std::chrono::seconds(30));
  Answer perform(const extension::HttpRequest& request, Millis time, extension::HttpCall& call);

  /// Of the answer; why there is none, otherwise.
  std::string body(const extension::HttpRequest& request, Millis time = std::chrono::seconds(30));

  /// Of localhost and the peer's port.
  [[nodiscard]] static extension::HttpRequest request(const std::string& scheme,
                                                      const HttpPeer& peer,
                                                      const std::string& target);
  [[nodiscard]] static extension::HttpRequest request(const std::string& url);

  /// HTTPS as "localhost" and 127.0.0.1, trusted.
  [[nodiscard]] std::unique_ptr<HttpPeer> secure_peer(HttpPeer::Script script) const;

  /// Answers of the resolver, instead of 127.0.0.1 alone; one after the other, the last for ever.
  void set_addresses(const std::string& host, std::vector<std::vector<std::string>> answers);

  [[nodiscard]] const Credentials& authority() const { return authority_; }
  [[nodiscard]] const std::string& bundle() const { return bundle_; }
  extension::HttpConnections& connections() { return connections_; }
  [[nodiscard]] const TempDir& folder() const { return folder_; }

 private:
  extension::Addresses resolve(const std::string& host);

  TempDir folder_;
  Credentials authority_;
  std::string bundle_;
  std::mutex mutex_;
  std::map<std::string, std::vector<std::vector<std::string>>> names_;
  extension::HttpConnections connections_;
};

}  // namespace postlude::testing
