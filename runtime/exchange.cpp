#include "runtime/exchange.h"

#include <algorithm>

namespace postlude::runtime {
namespace {

constexpr std::string_view kRuntimePrefix = "/2018-06-01/runtime/";
constexpr std::string_view kInvocationPrefix = "invocation/";

Exchange classify_post(std::string_view path) {
  if (!path.starts_with(kInvocationPrefix)) {
    return {};
  }
  path.remove_prefix(kInvocationPrefix.size());
  const std::size_t slash = path.find('/');
  if (slash == 0 || slash == std::string_view::npos) {
    return {};
  }
  const std::string_view verb = path.substr(slash + 1);
  if (verb == "response") {
    return {ExchangeKind::response, path.substr(0, slash)};
  }
  if (verb == "error") {
    return {ExchangeKind::invocation_error, path.substr(0, slash)};
  }
  return {};
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
    return {ExchangeKind::local, {}};
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
