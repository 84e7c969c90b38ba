#include "runtime/exchange.h"

#include <doctest/doctest.h>

#include <string_view>
#include <vector>

namespace postlude::runtime {
namespace {

struct Case {
  std::string_view method;
  std::string_view target;
  ExchangeKind kind;
  std::string_view request_id;
};

TEST_CASE("requests are told apart by method and path alone") {
  using enum ExchangeKind;
  const std::vector<Case> cases = {
      {"GET", "/2018-06-01/runtime/invocation/next", next, ""},
      {"GET", "/2018-06-01/runtime/invocation/next?x=1", next, ""},
      {"GET", "http://127.0.0.1:9001/2018-06-01/runtime/invocation/next", next, ""},
      {"GET", "/2018-06-01/runtime/restore/next", restore_next, ""},
      {"POST", "/2018-06-01/runtime/invocation/8f-1/response", response, "8f-1"},
      {"POST", "/2018-06-01/runtime/invocation/8f-1/response?a", response, "8f-1"},
      {"POST", "/2018-06-01/runtime/invocation/8f-1/error", invocation_error, "8f-1"},
      {"POST", "http://h/2018-06-01/runtime/invocation/8f-1/error", invocation_error, "8f-1"},
      {"GET", "/postlude/v1/health", local, ""},
      {"POST", "/postlude/v1/invocations/current/tasks", defer, "current"},
      {"POST", "/postlude/v1/invocations/8f-1/tasks?x", defer, "8f-1"},
      {"POST", "/postlude/v1/invocations/8f-1/response", early_response, "8f-1"},
      {"GET", "/postlude/v1/invocations/8f-1?x=1", inspect, "8f-1"},
      {"GET", "/postlude/v1/invocations/", local, ""},
      {"GET", "/postlude/v1/invocations//response", local, ""},
      {"POST", "/postlude/v1/invocations/8f-1", local, ""},
      {"GET", "/postlude/v1/invocations/8f-1/tasks", local, ""},
      {"GET", "/postlude/v1/invocations/8f-1/response", local, ""},
      {"POST", "/postlude/v1/invocations//response", local, ""},
      {"POST", "/postlude/v2/invocations/8f-1/response", local, ""},
      {"GET", "/postlude", local, ""},
      {"GET", "http://h/postlude/v1/health?x", local, ""},
      {"GET", "/postludes", other, ""},
      {"GET", "/a/postlude/v1/health", other, ""},
      {"POST", "/2018-06-01/runtime/invocation/next", other, ""},
      {"HEAD", "/2018-06-01/runtime/invocation/next", other, ""},
      {"get", "/2018-06-01/runtime/invocation/next", other, ""},
      {"GET", "/2018-06-01/runtime/invocation/next/", other, ""},
      {"GET", "/2018-06-01/runtime/invocation/NEXT", other, ""},
      {"GET", "/2018-06-01/runtime//invocation/next", other, ""},
      {"GET", "/2018-06-01/runtime/invocation/8f-1/response", other, ""},
      {"PUT", "/2018-06-01/runtime/invocation/8f-1/response", other, ""},
      {"POST", "/2018-06-01/runtime/invocation//response", other, ""},
      {"POST", "/2018-06-01/runtime/invocation/8f-1", other, ""},
      {"POST", "/2018-06-01/runtime/invocation/8f-1/response/x", other, ""},
      {"POST", "/2018-06-01/runtime/invocation/a/b/error", other, ""},
      {"POST", "/2018-06-01/runtime/init/error", other, ""},
      {"POST", "/2018-06-01/runtime/restore/error", other, ""},
      {"GET", "/2021-04-23/credentials", other, ""},
      {"OPTIONS", "*", other, ""},
      {"GET", "", other, ""},
      {"GET", "http://", other, ""},
      {"GET", "http://host", other, ""},
  };
  for (const Case& request : cases) {
    CAPTURE(request.method);
    CAPTURE(request.target);
    const Exchange exchange = classify(request.method, request.target);
    CHECK(exchange.kind == request.kind);
    CHECK(exchange.request_id == request.request_id);
  }
}

TEST_CASE("a path is what is left of a target without origin and query") {
  CHECK(path_of("/a/b?c=/d") == "/a/b");
  CHECK(path_of("http://host:1/a") == "/a");
  CHECK(path_of("http://host") == "");
  CHECK(path_of("*") == "*");
  CHECK(path_of("") == "");
}

}  // namespace
}  // namespace postlude::runtime
