#include "runtime/exchange.h"

#include <algorithm>

namespace postlude::runtime {
namespace {

constexpr std::string_view kRuntimePrefix = "/2018-06-01/runtime/";
constexpr std::string_view kInvocationPrefix = "invocation/";

/// "<prefix><id>/<verb>"; without an id neither has a value.
struct InvocationPath {
  std::string_view id;
  std::string_view verb;
};

InvocationPath split(std::string_view path, std::string_view prefix) {
  if (!path.starts_with(prefix)) {
    return {};
  }
  path.remove_prefix(prefix.size());
  const std::size_t slash = path.find('/');
  if (slash == 0 || slash == std::string_view::npos) {
    return {};
  }
  return {path.substr(0, slash), path.substr(slash + 1)};
}

Exchange classify_post(std::string_view path) {
  const auto [id, verb] = split(path, kInvocationPrefix);
  if (verb == "response") {
    return {ExchangeKind::response, id};
  }
  if (verb == "error") {
    return {ExchangeKind::invocation_error, id};
  }
  return {};
}

Exchange classify_local(std::string_view method, std::string_view path) {
  constexpr std::string_view kInvocations = "/postlude/v1/invocations/";
  const auto [id, verb] = split(path, kInvocations);
  if (method == "POST" && verb == "response") {
    return {ExchangeKind::early_response, id};
  }
  if (method == "POST" && verb == "tasks") {
    return {ExchangeKind::defer, id};
  }
  if (method == "GET" && path.starts_with(kInvocations)) {
    path.remove_prefix(kInvocations.size());
    if (!path.empty() && path.find('/') == std::string_view::npos) {
      return {ExchangeKind::inspect, path};
    }
  }
  return {ExchangeKind::local, {}};
}

}  // namespace

std::string_view path_of(std::string_view target) {
  constexpr std::string_view kScheme = "http://";
  if (target.starts_with(kScheme)) {
    target.remove_prefix(std::min(target.find('/', kScheme.size()), target.size()));
  }
  return target.substr(0, target.find('?'));
}

Exchange classify(std::string_view method, std::string_view target) {
  std::string_view path = path_of(target);
  if (path == "/postlude" || path.starts_with("/postlude/")) {
    return classify_local(method, path);
  }
  if (!path.starts_with(kRuntimePrefix)) {
    return {};
  }
  path.remove_prefix(kRuntimePrefix.size());
  if (method == "GET" && path == "invocation/next") {
    return {ExchangeKind::next, {}};
  }
  if (method == "GET" && path == "restore/next") {
    return {ExchangeKind::restore_next, {}};
  }
  return method == "POST" ? classify_post(path) : Exchange{};
}

}  // namespace postlude::runtime
