#include "tests/emulator/extension_registry.h"

#include "tests/emulator/limits.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <random>

namespace postlude::emulator {
namespace {

constexpr int kForbidden = 403;

Refusal invalid_event(const std::string& message) {
  return {kForbidden, "Extension.InvalidEventType", message};
}

Subscription subscription(bool invoke, bool shutdown) {
  if (invoke) {
    return shutdown ? Subscription::both : Subscription::invoke;
  }
  return shutdown ? Subscription::shutdown : Subscription::none;
}

bool looks_like_uuid(const std::string& id) {
  constexpr std::size_t kUuidSize = 36;
  if (id.size() != kUuidSize) {
    return false;
  }
  for (std::size_t i = 0; i < id.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash != (id[i] == '-') ||
        (!dash && std::isxdigit(static_cast<unsigned char>(id[i])) == 0)) {
      return false;
    }
  }
  return true;
}

}  // namespace

std::variant<Subscription, Refusal> ExtensionRegistry::subscribe(const std::string& body,
                                                                 ExtensionKind kind) const {
  const auto document = nlohmann::json::parse(body, nullptr, false);
  if (!document.is_object() || document.contains("configurationKeys")) {
    return Refusal{kForbidden, "InvalidRequestFormat", "Invalid request format"};
  }
  bool invoke = false;
  bool shutdown = false;
  const auto events = document.value("events", nlohmann::json::array());
  if (!events.is_array()) {
    return Refusal{kForbidden, "InvalidRequestFormat", "Invalid request format"};
  }
  const bool managed = rules_ == ExtensionRules::managed;
  if (managed && kind == ExtensionKind::internal && !events.empty()) {
    return invalid_event("No events allowed for internal extensions");
  }
  for (const auto& event : events) {
    const std::string name = event.is_string() ? event.get<std::string>() : event.dump();
    if (name == "SHUTDOWN" && kind == ExtensionKind::internal) {
      return invalid_event("SHUTDOWN: ShutdownEventNotSupportedForInternalExtension");
    }
    if ((name != "INVOKE" || managed) && name != "SHUTDOWN") {
      return invalid_event(name + ": ErrorInvalidEventType");
    }
    invoke = invoke || name == "INVOKE";
    shutdown = shutdown || name == "SHUTDOWN";
  }
  return subscription(invoke, shutdown);
}

void ExtensionRegistry::launched(const std::string& name) {
  extensions_.push_back({.name = name,
                         .id = {},
                         .kind = ExtensionKind::external,
                         .phase = ExtensionPhase::launched,
                         .events = Subscription::none});
}

void ExtensionRegistry::exited(const std::string& name) {
  if (Extension* extension = find_external(name)) {
    extension->phase = ExtensionPhase::exited;
  }
}

Extension* ExtensionRegistry::find_external(const std::string& name) {
  const auto found =
      std::find_if(extensions_.begin(), extensions_.end(), [&](const Extension& extension) {
        return extension.kind == ExtensionKind::external && extension.name == name;
      });
  return found == extensions_.end() ? nullptr : &*found;
}

std::variant<const Extension*, Refusal> ExtensionRegistry::register_extension(
    const Registration& what) {
  if (what.name.empty()) {
    return Refusal{kForbidden, "Extension.InvalidExtensionName", "Empty extension name"};
  }
  Extension* external = find_external(what.name);
  auto events =
      subscribe(what.body, external == nullptr ? ExtensionKind::internal : ExtensionKind::external);
  if (auto* refusal = std::get_if<Refusal>(&events)) {
    return std::move(*refusal);
  }
  if (external == nullptr) {
    return register_internal(what, std::get<Subscription>(events));
  }
  if (external->phase != ExtensionPhase::launched) {
    return extension_transition(
        phase_text(external->phase), phase_text(ExtensionPhase::registered), external->name);
  }
  external->phase = ExtensionPhase::registered;
  external->events = std::get<Subscription>(events);
  external->id = what.id;
  return external;
}

std::variant<const Extension*, Refusal> ExtensionRegistry::register_internal(
    const Registration& what, Subscription events) {
  if (closed_) {
    return Refusal{
        kForbidden, "Extension.RegistrationClosed", "Extension registration closed already"};
  }
  const bool taken = std::any_of(extensions_.begin(), extensions_.end(), [&](const auto& other) {
    return other.name == what.name;
  });
  if (taken) {
    return Refusal{kForbidden,
                   "Extension.InvalidExtensionState",
                   "Extension with this name already registered"};
  }
  if (extensions_.size() >= kMaxExtensions) {
    return Refusal{kForbidden,
                   "Extension.TooManyExtensions",
                   fmt::format("Extension limit ({}) reached", kMaxExtensions)};
  }
  extensions_.push_back({.name = what.name,
                         .id = what.id,
                         .kind = ExtensionKind::internal,
                         .phase = ExtensionPhase::registered,
                         .events = events});
  return &extensions_.back();
}

std::variant<const Extension*, Refusal> ExtensionRegistry::identify(
    const std::optional<std::string>& id) const {
  if (!id) {
    return Refusal{kForbidden,
                   "Extension.MissingExtensionIdentifier",
                   "Missing Lambda-Extension-Identifier header"};
  }
  if (!looks_like_uuid(*id)) {
    return Refusal{
        kForbidden, "Extension.InvalidExtensionIdentifier", "Invalid Lambda-Extension-Identifier"};
  }
  const auto found = std::find_if(extensions_.begin(),
                                  extensions_.end(),
                                  [&](const Extension& extension) { return extension.id == *id; });
  if (found == extensions_.end()) {
    return Refusal{kForbidden, "Extension.UnknownExtensionIdentifier", "Unknown extension " + *id};
  }
  return &*found;
}

std::variant<const Extension*, Refusal> ExtensionRegistry::poll(
    const std::optional<std::string>& id) {
  auto who = identify(id);
  if (std::holds_alternative<Refusal>(who)) {
    return who;
  }
  const auto found =
      std::find_if(extensions_.begin(), extensions_.end(), [&](const Extension& extension) {
        return &extension == std::get<const Extension*>(who);
      });
  if (found->phase != ExtensionPhase::registered && found->phase != ExtensionPhase::running) {
    return extension_transition(
        phase_text(found->phase), phase_text(ExtensionPhase::ready), found->name);
  }
  found->phase = ExtensionPhase::ready;
  return &*found;
}

void ExtensionRegistry::invoke_begun() {
  for (Extension& extension : extensions_) {
    if (extension.wants_invoke() && extension.phase == ExtensionPhase::ready) {
      extension.phase = ExtensionPhase::running;
    }
  }
}

void ExtensionRegistry::shutdown_begun(const std::string& id) {
  for (Extension& extension : extensions_) {
    if (extension.id == id && extension.phase == ExtensionPhase::ready) {
      extension.phase = ExtensionPhase::running;
    }
  }
}

bool ExtensionRegistry::all_launched_registered() const {
  return std::none_of(extensions_.begin(), extensions_.end(), [](const Extension& extension) {
    return extension.phase == ExtensionPhase::launched;
  });
}

bool ExtensionRegistry::all_ready() const {
  return std::all_of(extensions_.begin(), extensions_.end(), [](const Extension& extension) {
    return extension.phase == ExtensionPhase::ready;
  });
}

bool ExtensionRegistry::invoke_done() const {
  return std::all_of(extensions_.begin(), extensions_.end(), [](const Extension& extension) {
    return !extension.wants_invoke() || extension.phase == ExtensionPhase::ready;
  });
}

bool ExtensionRegistry::any(ExtensionKind kind) const {
  return std::any_of(extensions_.begin(), extensions_.end(), [&](const Extension& extension) {
    return extension.kind == kind && extension.phase != ExtensionPhase::launched;
  });
}

std::string phase_text(ExtensionPhase phase) {
  switch (phase) {
    case ExtensionPhase::launched:
      return "Started";
    case ExtensionPhase::registered:
      return "Registered";
    case ExtensionPhase::ready:
      return "Ready";
    case ExtensionPhase::running:
      return "Running";
    case ExtensionPhase::exited:
      return "Exited";
  }
  return "Started";
}

std::string subscription_text(Subscription events) {
  switch (events) {
    case Subscription::none:
      return "[]";
    case Subscription::invoke:
      return "[INVOKE]";
    case Subscription::shutdown:
      return "[SHUTDOWN]";
    case Subscription::both:
      return "[INVOKE,SHUTDOWN]";
  }
  return "[]";
}

std::string new_uuid() {
  thread_local std::random_device device;
  const auto word = [] { return device(); };
  const unsigned a = word();
  const unsigned b = word();
  const unsigned c = word();
  const unsigned d = word();
  return fmt::format("{:08x}-{:04x}-4{:03x}-{:04x}-{:04x}{:08x}",
                     a,
                     b >> 16U,
                     b & 0xfffU,
                     0x8000U | ((c >> 16U) & 0x3fffU),
                     c & 0xffffU,
                     d);
}

}  // namespace postlude::emulator
