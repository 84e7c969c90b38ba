#include "common/reference_rules.h"

#include "common/near_miss.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace postlude {
namespace {

constexpr std::array<std::string_view, 9> kSources{
    "event", "request", "response", "payload", "error", "context", "env", "secret", "ssm"};

constexpr std::array<std::string_view, 9> kContextNames{"id",
                                                        "requestId",
                                                        "functionArn",
                                                        "functionName",
                                                        "traceId",
                                                        "tenantId",
                                                        "deadlineMs",
                                                        "task",
                                                        "attempt"};

constexpr std::array<std::string_view, 5> kRequestNames{
    "method", "path", "query", "headers", "body"};

bool has(std::span<const std::string_view> words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

/// "unknown source "reqxest", did you mean "request"?"
std::string unknown_word(std::string_view what,
                         std::string_view word,
                         std::span<const std::string_view> known) {
  if (const auto guess = near_miss(word, known)) {
    return fmt::format(R"(unknown {} "{}", did you mean "{}"?)", what, word, *guess);
  }
  constexpr std::size_t kMostShown = 64;
  return fmt::format("unknown {}{}, expected {}",
                     what,
                     word.size() > kMostShown ? "" : fmt::format(" \"{}\"", word),
                     fmt::join(known, ", "));
}

std::optional<PathProblem> find_context_problem(const std::vector<std::string>& path) {
  if (path.empty()) {
    return PathProblem{0, fmt::format("expected context.{}", fmt::join(kContextNames, ", "))};
  }
  if (!has(kContextNames, path[0])) {
    return PathProblem{0, unknown_word("name of context", path[0], kContextNames)};
  }
  if (path.size() > 1) {
    return PathProblem{1, fmt::format("context.{} has no keys", path[0])};
  }
  return std::nullopt;
}

std::optional<PathProblem> find_request_problem(const std::vector<std::string>& path) {
  if (path.empty()) {
    return std::nullopt;
  }
  if (!has(kRequestNames, path[0])) {
    return PathProblem{0, unknown_word("part of request", path[0], kRequestNames)};
  }
  if (path.size() > 1 && (path[0] == "method" || path[0] == "path")) {
    return PathProblem{1, fmt::format("request.{} has no keys", path[0])};
  }
  return std::nullopt;
}

/// Exactly one key, which is not empty.
std::optional<PathProblem> find_single_key_problem(const std::vector<std::string>& path,
                                                   std::string_view example) {
  if (path.empty() || path[0].empty()) {
    return PathProblem{0, fmt::format("expected a name: {}", example)};
  }
  if (path.size() > 1) {
    return PathProblem{1, fmt::format("expected one name and no more keys: {}", example)};
  }
  return std::nullopt;
}

}  // namespace

std::span<const std::string_view> context_names() {
  return kContextNames;
}

std::string_view reference_source_name(ReferenceSource source) {
  return kSources.at(static_cast<std::size_t>(source));
}

tl::expected<ReferenceSource, std::string> find_reference_source(std::string_view word) {
  const auto* const found = std::find(kSources.begin(), kSources.end(), word);
  if (found != kSources.end()) {
    return static_cast<ReferenceSource>(found - kSources.begin());
  }
  if (word.empty()) {
    return tl::unexpected(fmt::format("expected a source: {}", fmt::join(kSources, ", ")));
  }
  return tl::unexpected(unknown_word("source", word, kSources));
}

std::optional<PathProblem> find_path_problem(const Reference& reference) {
  switch (reference.source) {
    case ReferenceSource::context:
      return find_context_problem(reference.path);
    case ReferenceSource::request:
      return find_request_problem(reference.path);
    case ReferenceSource::env:
      return find_single_key_problem(reference.path, "env.NAME");
    case ReferenceSource::ssm:
      return find_single_key_problem(reference.path, "ssm['/path']");
    case ReferenceSource::secret:
      if (reference.path.empty() || reference.path[0].empty()) {
        return PathProblem{0, "expected a name: secret['NAME'] or secret['NAME'].key"};
      }
      return std::nullopt;
    case ReferenceSource::event:
    case ReferenceSource::response:
    case ReferenceSource::payload:
    case ReferenceSource::error:
      return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace postlude
