// Calls are made by Work; what is left of HttpCall is that it can be stopped.
#include "extension/http_call.h"

#include "extension/ongoing_call.h"
#include "tests/simulation/job_fibers.h"

namespace postlude::extension {

struct HttpConnections::State {};

HttpCall::HttpCall() = default;

HttpCall::~HttpCall() {
  simulation::JobFibers::forget(this);
}

void HttpCall::stop() {
  simulation::JobFibers::stop(this);
}

// NOLINTNEXTLINE(performance-unnecessary-value-param): as the header says
HttpConnections::HttpConnections(std::string /*certificates*/, Resolver /*resolver*/) {}
HttpConnections::~HttpConnections() = default;

tl::expected<HttpAnswer, HttpFailure> HttpConnections::perform(const HttpRequest& /*request*/,
                                                               EpochTime /*deadline*/,
                                                               HttpCall& /*call*/) {
  return tl::unexpected(HttpFailure{});
}

void HttpConnections::open_ahead(const Url& /*origin*/,
                                 EpochTime /*deadline*/,
                                 HttpCall& /*call*/) {}

void HttpConnections::close_all() {}

}  // namespace postlude::extension
