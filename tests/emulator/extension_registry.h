#pragma once

#include "tests/emulator/refusal.h"

#include <list>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace postlude::emulator {

enum class ExtensionKind { internal, external };
enum class ExtensionPhase {
  launched,    ///< external, started by us, not registered yet
  registered,  ///< has not asked for an event yet
  ready,       ///< asked for the next event
  running,     ///< has an event
  exited,      ///< the external process is gone
};
enum class Subscription { none, invoke, shutdown, both };
enum class ExtensionRules {
  on_demand,
  managed,  ///< Managed Instances: no INVOKE for anybody, nothing for internal ones
};

struct Extension {
  std::string name;
  std::string id;
  ExtensionKind kind = ExtensionKind::internal;
  ExtensionPhase phase = ExtensionPhase::registered;
  Subscription events = Subscription::none;

  [[nodiscard]] bool wants_invoke() const {
    return events == Subscription::invoke || events == Subscription::both;
  }
  [[nodiscard]] bool wants_shutdown() const {
    return events == Subscription::shutdown || events == Subscription::both;
  }
};

struct Registration {
  std::string name;  ///< header Lambda-Extension-Name
  std::string body;  ///< {"events": [...]}
  std::string id;    ///< the identifier it gets if nothing is wrong
};

/// Who is registered and how far each extension is (lambda-protocol.md 3). Pure: whoever owns it
/// locks it. Every transition that is not listed is refused and changes nothing.
class ExtensionRegistry {
 public:
  explicit ExtensionRegistry(ExtensionRules rules = ExtensionRules::on_demand) : rules_(rules) {}

  /// An external extension was started; `name` is its file name.
  void launched(const std::string& name);
  void exited(const std::string& name);

  [[nodiscard]] std::variant<const Extension*, Refusal> register_extension(
      const Registration& what);
  /// The runtime asked for its first event: internal extensions come too late from now on.
  void close() { closed_ = true; }

  /// Who sends this identifier? Nothing but the header decides (lambda-protocol.md 3.5).
  [[nodiscard]] std::variant<const Extension*, Refusal> identify(
      const std::optional<std::string>& id) const;
  /// GET event/next: `ready`, unless it is so already.
  [[nodiscard]] std::variant<const Extension*, Refusal> poll(const std::optional<std::string>& id);

  /// An INVOKE event is out for every subscriber, whether its poll is still alive or not: a poll
  /// cannot be repeated, and an event for a dead poll is consumed.
  void invoke_begun();
  void shutdown_begun(const std::string& id);

  [[nodiscard]] bool all_launched_registered() const;
  /// Every registered extension of both kinds asked for its first event.
  [[nodiscard]] bool all_ready() const;
  /// Every INVOKE subscriber asked for the next event.
  [[nodiscard]] bool invoke_done() const;
  [[nodiscard]] bool any(ExtensionKind kind) const;
  [[nodiscard]] const std::list<Extension>& all() const { return extensions_; }

 private:
  [[nodiscard]] Extension* find_external(const std::string& name);
  [[nodiscard]] std::variant<const Extension*, Refusal> register_internal(const Registration& what,
                                                                          Subscription events);

  [[nodiscard]] std::variant<Subscription, Refusal> subscribe(const std::string& body,
                                                              ExtensionKind kind) const;

  const ExtensionRules rules_;
  std::list<Extension> extensions_;  ///< a list, so that pointers stay
  bool closed_ = false;
};

/// "[INVOKE,SHUTDOWN]", as the EXTENSION log line has it.
[[nodiscard]] std::string subscription_text(Subscription events);

/// "Ready", as log lines and refusals have it.
[[nodiscard]] std::string phase_text(ExtensionPhase phase);

/// A random version 4 UUID. Thread-safe.
[[nodiscard]] std::string new_uuid();

}  // namespace postlude::emulator
