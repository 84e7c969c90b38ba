#pragma once

#include "common/template.h"
#include "extension/json_filter.h"
#include "extension/template_sources.h"

#include <map>
#include <utility>
#include <vector>

namespace postlude::extension {

/// The values of a set of references, found in at most two passes over the event, whose memory does
/// not grow with it.
class TemplateValues {
 public:
  /// Missing values are no failure here; an event that cannot be read and a secret that cannot be
  /// fetched are.
  [[nodiscard]] static tl::expected<TemplateValues, TemplateFailure> gather(
      const std::vector<Reference>& references, const TemplateSources& sources);

  /// Of one that was gathered.
  [[nodiscard]] const JsonValue& of(const Reference& reference) const;

 private:
  friend class TemplateGathering;
  std::map<std::pair<ReferenceSource, JsonPath>, JsonValue> values_;
};

}  // namespace postlude::extension
