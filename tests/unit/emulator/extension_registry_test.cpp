#include "tests/emulator/extension_registry.h"

#include <doctest/doctest.h>

#include <string>

using namespace postlude::emulator;  // NOLINT(google-build-using-namespace)

namespace {

const std::string kFirst = "00000000-0000-4000-8000-000000000001";
const std::string kSecond = "00000000-0000-4000-8000-000000000002";

std::string refused(const std::variant<const Extension*, Refusal>& answer) {
  const auto* refusal = std::get_if<Refusal>(&answer);
  return refusal == nullptr ? "" : refusal->error_type;
}

}  // namespace

TEST_CASE("an external extension registers under its file's name for any event") {
  ExtensionRegistry registry;
  registry.launched("outside");
  CHECK_FALSE(registry.all_launched_registered());
  const auto answer =
      registry.register_extension({"outside", R"({"events":["INVOKE","SHUTDOWN"]})", kFirst});
  REQUIRE(refused(answer).empty());
  const Extension& extension = *std::get<const Extension*>(answer);
  CHECK(extension.kind == ExtensionKind::external);
  CHECK(extension.wants_invoke());
  CHECK(extension.wants_shutdown());
  CHECK(registry.all_launched_registered());
}

TEST_CASE("a name without a file is an internal extension, and the external one stays missing") {
  ExtensionRegistry registry;
  registry.launched("outside");
  const auto answer = registry.register_extension({"inside", R"({"events":[]})", kFirst});
  REQUIRE(refused(answer).empty());
  CHECK(std::get<const Extension*>(answer)->kind == ExtensionKind::internal);
  CHECK_FALSE(registry.all_launched_registered());
}

TEST_CASE("the events of an internal extension are checked before anything else") {
  ExtensionRegistry registry;
  registry.close();
  CHECK(refused(registry.register_extension({"a", R"({"events":["SHUTDOWN"]})", kFirst})) ==
        "Extension.InvalidEventType");
  CHECK(refused(registry.register_extension({"a", R"({"events":["INVOKE"]})", kFirst})) ==
        "Extension.RegistrationClosed");
}

TEST_CASE("an invocation ends when every INVOKE subscriber polled again, others do not count") {
  ExtensionRegistry registry;
  REQUIRE(refused(registry.register_extension({"a", R"({"events":["INVOKE"]})", kFirst})).empty());
  REQUIRE(refused(registry.register_extension({"b", R"({"events":[]})", kSecond})).empty());
  CHECK_FALSE(registry.all_ready());
  REQUIRE(refused(registry.poll(kFirst)).empty());
  CHECK_FALSE(registry.all_ready());
  REQUIRE(refused(registry.poll(kSecond)).empty());
  CHECK(registry.all_ready());
  registry.invoke_begun();
  CHECK_FALSE(registry.invoke_done());
  CHECK(refused(registry.poll(kSecond)) == "Extension.InvalidExtensionState");
  REQUIRE(refused(registry.poll(kFirst)).empty());
  CHECK(registry.invoke_done());
}

TEST_CASE("a parked poll cannot be repeated, but an event consumes it") {
  ExtensionRegistry registry;
  REQUIRE(refused(registry.register_extension({"a", R"({"events":["INVOKE"]})", kFirst})).empty());
  REQUIRE(refused(registry.poll(kFirst)).empty());
  CHECK(refused(registry.poll(kFirst)) == "Extension.InvalidExtensionState");
  registry.invoke_begun();
  CHECK(refused(registry.poll(kFirst)).empty());
}

TEST_CASE("identifiers are checked for presence, form and knowledge") {
  ExtensionRegistry registry;
  CHECK(refused(registry.identify(std::nullopt)) == "Extension.MissingExtensionIdentifier");
  CHECK(refused(registry.identify("x")) == "Extension.InvalidExtensionIdentifier");
  CHECK(refused(registry.identify("00000000-0000-4000-8000-00000000000g")) ==
        "Extension.InvalidExtensionIdentifier");
  CHECK(refused(registry.identify(kFirst)) == "Extension.UnknownExtensionIdentifier");
}

TEST_CASE("new identifiers are random version 4 UUIDs") {
  ExtensionRegistry registry;
  const std::string one = new_uuid();
  CHECK(one != new_uuid());
  CHECK(one[14] == '4');
  CHECK(refused(registry.identify(one)) == "Extension.UnknownExtensionIdentifier");
}

TEST_CASE("on Managed Instances nobody gets INVOKE and internal extensions get nothing") {
  ExtensionRegistry registry(ExtensionRules::managed);
  registry.launched("outside");
  for (const char* events : {R"({"events":["INVOKE"]})", R"({"events":["SHUTDOWN","INVOKE"]})"}) {
    CHECK(refused(registry.register_extension({"outside", events, kFirst})) ==
          "Extension.InvalidEventType");
  }
  CHECK(refused(registry.register_extension({"outside", R"({"events":["SHUTDOWN"]})", kFirst}))
            .empty());
  const auto inside = registry.register_extension({"inside", R"({"events":["INVOKE"]})", kSecond});
  REQUIRE(std::holds_alternative<Refusal>(inside));
  CHECK(std::get<Refusal>(inside).message == "No events allowed for internal extensions");
  CHECK(refused(registry.register_extension({"inside", R"({"events":[]})", kSecond})).empty());
}
