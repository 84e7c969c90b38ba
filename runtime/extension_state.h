#pragma once

namespace postlude::runtime {

/// How the platform and the extension stand: who keeps an environment open for deferred work.
enum class ExtensionState {
  starting,     ///< started, no word from the platform yet
  registered,   ///< it polls the platform and so holds invocations itself
  taken_over,   ///< it died after it was registered: its successor runs tasks, the shim polls
  refused,      ///< it runs tasks, but the platform does not wait for it
  unavailable,  ///< not running, and never again
};

/// What the local API says of its process (contract.md 5).
enum class ExtensionHealth {
  running,
  restarting,  ///< the first one has not connected yet, or a later one has not read the spool yet
  unavailable,
};

}  // namespace postlude::runtime
