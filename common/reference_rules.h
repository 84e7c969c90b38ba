#pragma once

#include "common/template.h"

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace postlude {

/// What `context` has (contract.md 4.4).
[[nodiscard]] std::span<const std::string_view> context_names();

/// "event", "request", ...
[[nodiscard]] std::string_view reference_source_name(ReferenceSource source);

/// By its name; else the message, with a guess.
[[nodiscard]] tl::expected<ReferenceSource, std::string> find_reference_source(
    std::string_view word);

struct PathProblem {
  std::size_t key = 0;  ///< index of the key it is about; path.size(): a missing one
  std::string message;
};

/// What the source of a reference says about its path; nothing if it is fine. Pure.
[[nodiscard]] std::optional<PathProblem> find_path_problem(const Reference& reference);

}  // namespace postlude
