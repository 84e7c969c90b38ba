#include "tests/emulator/telemetry_subscription.h"

#include "common/json_text.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <string_view>
#include <utility>

namespace postlude::emulator {
namespace {

constexpr std::array<TelemetrySource, 3> kSources{
    TelemetrySource::platform, TelemetrySource::function, TelemetrySource::extension};
constexpr std::array<std::string_view, 3> kSchemas{"2022-07-01", "2022-12-13", "2025-01-29"};

Refusal invalid(const std::string& message) {
  constexpr int kBadRequest = 400;
  return {kBadRequest, "ValidationError", message};
}

std::optional<Refusal> check_schema(const nlohmann::json& document, ExtensionRules rules) {
  const std::string schema = document.value("schemaVersion", std::string(kSchemas.front()));
  const bool known = rules == ExtensionRules::managed
                         ? schema == kSchemas.back()
                         : std::find(kSchemas.begin(), kSchemas.end(), schema) != kSchemas.end();
  return known ? std::nullopt : std::optional(invalid("Invalid schemaVersion: " + schema));
}

std::optional<Refusal> read_types(const nlohmann::json& document, TelemetrySubscription& wanted) {
  const auto types = document.value("types", nlohmann::json::array());
  if (!types.is_array()) {
    return invalid("types must be an array");
  }
  for (const auto& type : types) {
    const auto source = std::find_if(kSources.begin(), kSources.end(), [&](TelemetrySource one) {
      return type == source_name(one);
    });
    if (source == kSources.end()) {
      return invalid("Invalid type: " + type.dump());
    }
    wanted.sources.insert(*source);
  }
  return wanted.sources.empty() ? std::optional(invalid("types must not be empty")) : std::nullopt;
}

struct Range {
  const char* name;
  long long least;
  long long most;
};
constexpr Range kItems{"maxItems", 1000, 10'000};
constexpr Range kBytes{"maxBytes", 262'144, 1'048'576};
constexpr Range kTimeout{"timeoutMs", 25, 30'000};

/// What is left out keeps its default.
std::optional<Refusal> read_number(const nlohmann::json& buffering,
                                   const Range& range,
                                   long long& value) {
  const auto given = buffering.find(range.name);
  if (given == buffering.end()) {
    return std::nullopt;
  }
  value = given->is_number_integer() ? given->get<long long>() : -1;
  if (value < range.least || value > range.most) {
    return invalid(
        fmt::format("buffering.{} must be from {} to {}", range.name, range.least, range.most));
  }
  return std::nullopt;
}

std::optional<Refusal> read_buffering(const nlohmann::json& document,
                                      TelemetrySubscription& wanted) {
  const auto buffering = document.value("buffering", nlohmann::json::object());
  if (!buffering.is_object()) {
    return invalid("buffering must be an object");
  }
  auto items = static_cast<long long>(wanted.max_items);
  auto bytes = static_cast<long long>(wanted.max_bytes);
  long long timeout = wanted.timeout.count();
  for (auto refusal : {read_number(buffering, kItems, items),
                       read_number(buffering, kBytes, bytes),
                       read_number(buffering, kTimeout, timeout)}) {
    if (refusal) {
      return refusal;
    }
  }
  wanted.max_items = static_cast<std::size_t>(items);
  wanted.max_bytes = static_cast<std::size_t>(bytes);
  wanted.timeout = std::chrono::milliseconds(timeout);
  return std::nullopt;
}

/// "http://sandbox.localdomain:PORT/path": the host is the environment, here as there.
std::optional<Refusal> read_destination(const nlohmann::json& document,
                                        TelemetrySubscription& wanted) {
  const auto destination = document.value("destination", nlohmann::json::object());
  if (!destination.is_object() || destination.value("protocol", "") != "HTTP") {
    return invalid("destination.protocol must be HTTP");
  }
  const std::string uri = destination.value("URI", "");
  std::string_view rest = uri;
  for (const std::string_view host : {"http://sandbox.localdomain:", "http://sandbox:"}) {
    if (rest.starts_with(host)) {
      rest.remove_prefix(host.size());
      const auto parsed = std::from_chars(rest.data(), rest.data() + rest.size(), wanted.port);
      rest.remove_prefix(static_cast<std::size_t>(parsed.ptr - rest.data()));
      wanted.path = rest.empty() ? "/" : std::string(rest);
      break;
    }
  }
  const bool usable = wanted.port != 0 && wanted.path.starts_with('/');
  return usable ? std::nullopt
                : std::optional(invalid("destination.URI must be http://sandbox.localdomain:PORT"));
}

}  // namespace

const char* source_name(TelemetrySource source) {
  switch (source) {
    case TelemetrySource::platform:
      return "platform";
    case TelemetrySource::function:
      return "function";
    case TelemetrySource::extension:
      return "extension";
  }
  return "platform";
}

std::variant<TelemetrySubscription, Refusal> parse_telemetry_subscription(const std::string& body,
                                                                          ExtensionRules rules) {
  const auto document = parse_json(body);
  if (!document || !document->is_object()) {
    return invalid("the body is no JSON object");
  }
  TelemetrySubscription wanted;
  try {
    for (auto refusal : {check_schema(*document, rules),
                         read_types(*document, wanted),
                         read_buffering(*document, wanted),
                         read_destination(*document, wanted)}) {
      if (refusal) {
        return std::move(*refusal);
      }
    }
  } catch (const nlohmann::json::exception& error) {
    return invalid(error.what());  // a member of another type
  }
  return wanted;
}

}  // namespace postlude::emulator
