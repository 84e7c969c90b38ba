#pragma once

#include "extension/document_feed.h"
#include "extension/json_filter.h"
#include "extension/template_sources.h"

#include <vector>

namespace postlude::extension {

/// Paths into the event and into `request`, its HTTP view.
struct EventPaths {
  std::vector<JsonPath> event;
  std::vector<JsonPath> request;
};

/// Their values, in the same order.
struct EventValues {
  std::vector<JsonValue> event;
  std::vector<JsonValue> request;
};

/// Reads the event in pieces: once, or twice where something of the request's body is wanted. An
/// event that is not there is null. Fails where the file cannot be read.
[[nodiscard]] tl::expected<EventValues, TemplateFailure> read_event(EventFile event,
                                                                    const EventPaths& paths);

}  // namespace postlude::extension
