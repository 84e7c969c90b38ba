#pragma once

#include <string>
#include <vector>

namespace postlude::extension {

/// When to ask the platform for the next event. Asking releases the invocation at hand, so it
/// happens once for each: when it is settled and its INVOKE has come, in either order. Pure.
///
/// INVOKE events carry no sequence number: the n-th INVOKE of a request id is its n-th invocation.
///
/// A refused or lost poll is tried again once, when the next invocation is settled; refused again,
/// we never ask any more (design.md 1).
class Release {
 public:
  enum class Verdict { hold, ask };

  /// The first poll ends the init of this extension.
  [[nodiscard]] Verdict registered();
  [[nodiscard]] Verdict invoked(const std::string& request_id);
  /// Whether the INVOKE of the invocation at hand has come.
  [[nodiscard]] bool has_invoke(const std::string& request_id) const;
  [[nodiscard]] Verdict settled(const std::string& request_id);
  /// Asks at once where an invocation was settled since the last poll: none may come before.
  [[nodiscard]] Verdict refused();

 private:
  enum class State {
    driven,   ///< not registered: never asks
    parked,   ///< the platform has our poll
    holding,  ///< an invocation is at hand
    refused,  ///< tries once more
    given_up,
  };

  [[nodiscard]] Verdict ask();

  State state_ = State::driven;
  bool refused_before_ = false;
  std::string current_;                     ///< holding: the request id
  std::vector<std::string> settled_early_;  ///< before their INVOKE came
};

}  // namespace postlude::extension
