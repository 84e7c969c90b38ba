#pragma once

#include "common/clock.h"
#include "extension/http_call.h"

#include <functional>

namespace postlude::extension {

/// One HTTP request of an attempt: HttpConnections::perform with the call that may be stopped, in
/// tests a fake. Returns by the deadline.
using HttpFunction =
    std::function<tl::expected<HttpAnswer, HttpFailure>(const HttpRequest&, EpochTime deadline)>;

}  // namespace postlude::extension
