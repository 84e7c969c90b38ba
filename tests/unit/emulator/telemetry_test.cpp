#include "tests/emulator/telemetry_buffer.h"
#include "tests/emulator/telemetry_subscription.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <string>
#include <utility>

using namespace postlude::emulator;  // NOLINT(google-build-using-namespace)

namespace {

nlohmann::json usual() {
  return {{"schemaVersion", "2022-12-13"},
          {"types", {"platform", "function"}},
          {"buffering", {{"maxItems", 1000}, {"maxBytes", 262'144}, {"timeoutMs", 25}}},
          {"destination",
           {{"protocol", "HTTP"}, {"URI", "http://sandbox.localdomain:8080/telemetry"}}}};
}

std::variant<TelemetrySubscription, Refusal> parse(const nlohmann::json& body) {
  return parse_telemetry_subscription(body.dump(), ExtensionRules::on_demand);
}

std::string complaint(const nlohmann::json& body,
                      ExtensionRules rules = ExtensionRules::on_demand) {
  const auto parsed = parse_telemetry_subscription(body.dump(), rules);
  const auto* refusal = std::get_if<Refusal>(&parsed);
  return refusal != nullptr && refusal->status == 400 && refusal->error_type == "ValidationError"
             ? refusal->message
             : std::string();
}

const TelemetryBuffer::Clock::time_point kStart{std::chrono::seconds(100)};

}  // namespace

TEST_CASE("a telemetry subscription says what, how and where to") {
  const auto parsed = parse(usual());
  REQUIRE(std::holds_alternative<TelemetrySubscription>(parsed));
  const auto& wanted = std::get<TelemetrySubscription>(parsed);
  CHECK(wanted.sources == std::set{TelemetrySource::platform, TelemetrySource::function});
  CHECK(wanted.max_items == 1000);
  CHECK(wanted.max_bytes == 262'144);
  CHECK(wanted.timeout == std::chrono::milliseconds(25));
  CHECK(wanted.port == 8080);
  CHECK(wanted.path == "/telemetry");
  auto plain = usual();
  plain.erase("buffering");
  plain.erase("schemaVersion");
  plain["destination"]["URI"] = "http://sandbox:9";
  const auto least = parse(plain);
  REQUIRE(std::holds_alternative<TelemetrySubscription>(least));
  CHECK(std::get<TelemetrySubscription>(least).path == "/");
  CHECK(std::get<TelemetrySubscription>(least).timeout == std::chrono::seconds(1));
}

TEST_CASE("a telemetry subscription that cannot be served is refused with its reason") {
  CHECK(complaint("text").find("no JSON object") != std::string::npos);
  const std::pair<const char*, nlohmann::json> wrong[] = {
      {"/schemaVersion", "2021-01-01"},
      {"/schemaVersion", 7},
      {"/types", nlohmann::json::array()},
      {"/types", {"platform", "other"}},
      {"/types", "platform"},
      {"/buffering", "none"},
      {"/buffering/maxItems", 999},
      {"/buffering/maxBytes", 1'048'577},
      {"/buffering/timeoutMs", 24},
      {"/buffering/timeoutMs", "25"},
      {"/destination/protocol", "TCP"},
      {"/destination/URI", "http://127.0.0.1:8080"},
      {"/destination/URI", "http://sandbox.localdomain"},
      {"/destination/URI", "http://sandbox.localdomain:0"},
      {"/destination/URI", "http://sandbox.localdomain:80x"}};
  for (const auto& change : wrong) {
    CAPTURE(change.first);
    CAPTURE(change.second.dump());
    auto body = usual();
    body[nlohmann::json::json_pointer(change.first)] = change.second;
    CHECK_FALSE(complaint(body).empty());
  }
  CHECK_FALSE(complaint(usual(), ExtensionRules::managed).empty());
  auto newest = usual();
  newest["schemaVersion"] = "2025-01-29";
  CHECK(complaint(newest, ExtensionRules::managed).empty());
}

TEST_CASE("a batch of telemetry waits for more until its first event is old enough") {
  TelemetryBuffer buffer({.sources = {},
                          .max_items = 2,
                          .max_bytes = 20,
                          .timeout = std::chrono::milliseconds(25),
                          .path = {}});
  CHECK_FALSE(buffer.due().has_value());
  buffer.push("{}", kStart);
  CHECK(buffer.due() == kStart + std::chrono::milliseconds(25));
  buffer.push("[1]", kStart + std::chrono::milliseconds(5));
  CHECK(buffer.due() == kStart);  // full
  buffer.push("[2]", kStart + std::chrono::milliseconds(6));
  const auto later = kStart + std::chrono::milliseconds(7);
  CHECK(buffer.take(later).body == "[{},[1]]");
  CHECK(buffer.due() == later + std::chrono::milliseconds(25));
  buffer.hurry();
  CHECK(buffer.due() == later);
  CHECK(buffer.take(later).body == "[[2]]");
  buffer.hurry();  // there is nothing
  buffer.push("{}", later);
  CHECK(buffer.due() == later + std::chrono::milliseconds(25));
  CHECK(buffer.take(later).body == "[{}]");
  CHECK_FALSE(buffer.due().has_value());
}

TEST_CASE("a batch of telemetry has a size, and one event is always in it") {
  TelemetryBuffer buffer({.sources = {},
                          .max_items = 10,
                          .max_bytes = 20,
                          .timeout = std::chrono::milliseconds(25),
                          .path = {}});
  const std::string large(30, 'x');
  buffer.push(large, kStart);
  buffer.push("{}", kStart);
  CHECK(buffer.due() == kStart);
  CHECK(buffer.take(kStart).body == "[" + large + "]");
  CHECK(buffer.take(kStart).body == "[{}]");
}

TEST_CASE("telemetry that nobody takes is lost and counted") {
  TelemetryBuffer buffer({.sources = {}, .path = {}});
  buffer.push(std::string(TelemetryBuffer::kMaxBytes - 1, 'x'), kStart);
  buffer.push("{}", kStart);
  buffer.push("{}", kStart);
  const auto lost = buffer.take_lost();
  CHECK(lost.events == 2);
  CHECK(lost.bytes == 4);
  CHECK(buffer.take_lost().events == 0);
  const auto batch = buffer.take(kStart);
  CHECK(batch.events == 1);
  buffer.lose(batch);
  CHECK(buffer.take_lost().bytes == TelemetryBuffer::kMaxBytes + 1);
}
