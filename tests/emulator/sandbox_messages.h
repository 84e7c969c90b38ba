#pragma once

#include "common/child_process.h"
#include "common/error.h"

#include <nlohmann/json_fwd.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace postlude::emulator {

// What the emulator and the sandbox process of one environment say to each other: one JSON object a
// packet of an AF_UNIX SOCK_SEQPACKET pair, which is the sandbox's standard input. Commands have
// "do", each is answered by one report with "did"; {"exited": who, ...} comes by itself.

/// Environment block (4 KiB by Lambda's limit) and arguments fit many times.
inline constexpr std::size_t kMaxSandboxPacket = std::size_t{160} << 10;

/// Blocking. False if the other side is gone.
[[nodiscard]] bool send_packet(int socket, const nlohmann::json& message);
/// Blocking; nothing if the other side is gone.
[[nodiscard]] std::optional<nlohmann::json> receive_packet(int socket);

/// Where a process writes what it prints.
enum class ProcessLog { function, extension };

/// A process of the environment to start, under a name that later commands use.
struct ProcessToStart {
  std::string who;
  std::vector<std::string> argv;  ///< argv[0] is the program's path
  std::vector<std::pair<std::string, std::string>> environment;
  std::string working_directory;
  ProcessLog log = ProcessLog::function;
};

[[nodiscard]] nlohmann::json to_json(const ProcessToStart& process);
[[nodiscard]] ProcessToStart process_from_json(const nlohmann::json& message);

[[nodiscard]] nlohmann::json to_json(const std::string& who, ExitStatus status);
[[nodiscard]] ExitStatus status_from_json(const nlohmann::json& message);

}  // namespace postlude::emulator
