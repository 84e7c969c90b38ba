#pragma once

#include "common/error.h"

#include <chrono>
#include <cstddef>
#include <string_view>

namespace postlude::emulator {

enum class ControlWord {
  freeze,
  thaw,
  shutdown,
  vanish,
  drop_connections,
  cut_event,
  cut_answer,
  stale_answer,
  hold_acknowledgement,
  acknowledge,
};

/// What a test orders of one environment.
struct ControlCommand {
  int environment = 0;
  ControlWord word = ControlWord::freeze;
  std::chrono::milliseconds duration{};  ///< of a freeze; 0: until it is thawed
  std::size_t after_bytes = 0;           ///< where a cut is
};

/// "/environments/1/freeze?for=3s", "/environments/1/cut-answer?after=100". The error says what
/// is wrong with it. Pure.
[[nodiscard]] Result<ControlCommand> parse_control_command(std::string_view target);

}  // namespace postlude::emulator
