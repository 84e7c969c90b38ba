#include "tests/unit/extension/http_bench.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <csignal>
#include <utility>

namespace postlude::testing {

HttpBench::HttpBench()
    : authority_(self_signed({.common_name = "a private authority"})),
      bundle_(folder_.write("bundle.pem", authority_.certificate_pem())),
      connections_(bundle_, [this](const std::string& host) { return resolve(host); }) {
  // As Signals::block does for the extension.
  static_cast<void>(std::signal(SIGPIPE, SIG_IGN));
  names_["localhost"] = {{"127.0.0.1"}};
}

HttpBench::Answer HttpBench::perform(const extension::HttpRequest& request, Millis time) {
  extension::HttpCall call;
  return perform(request, time, call);
}

HttpBench::Answer HttpBench::perform(const extension::HttpRequest& request,
                                     Millis time,
                                     extension::HttpCall& call) {
  return connections_.perform(request, now() + time, call);
}

std::string HttpBench::body(const extension::HttpRequest& request, Millis time) {
  const auto answer = perform(request, time);
  return answer ? answer->body : answer.error().why;
}

extension::HttpRequest HttpBench::request(const std::string& scheme,
                                          const HttpPeer& peer,
                                          const std::string& target) {
  return request(fmt::format("{}://localhost:{}{}", scheme, peer.port(), target));
}

extension::HttpRequest HttpBench::request(const std::string& url) {
  auto parsed = parse_url(url);
  REQUIRE(parsed);
  extension::HttpRequest result;
  result.url = std::move(*parsed);
  return result;
}

std::unique_ptr<HttpPeer> HttpBench::secure_peer(HttpPeer::Script script) const {
  return std::make_unique<HttpPeer>(
      std::move(script),
      signed_by(authority_, {.common_name = "server", .names = {"DNS:localhost", "IP:127.0.0.1"}}));
}

void HttpBench::set_addresses(const std::string& host,
                              std::vector<std::vector<std::string>> answers) {
  const std::lock_guard lock(mutex_);
  names_[host] = std::move(answers);
}

extension::Addresses HttpBench::resolve(const std::string& host) {
  if (const auto literal = parse_ip_spelling(host)) {
    return std::vector<IpAddress>{*literal};
  }
  const std::lock_guard lock(mutex_);
  const auto found = names_.find(host);
  if (found == names_.end()) {
    return tl::unexpected(extension::HttpFailure{extension::HttpFailure::Kind::unreachable,
                                                 host + ": the name does not exist"});
  }
  std::vector<IpAddress> addresses;
  for (const std::string& text : found->second.front()) {
    addresses.push_back(*parse_ip_address(text));
  }
  if (found->second.size() > 1) {
    found->second.erase(found->second.begin());
  }
  return addresses;
}

}  // namespace postlude::testing
