#pragma once

#include <string>
#include <vector>

namespace postlude::emulator {

/// The first argument that makes the emulator's program a sandbox process.
inline constexpr const char* kSandboxMode = "--sandbox-process";

/// The process under which one environment lives: it starts the environment's processes, so that
/// all of them, wherever they go, are its descendants (it is their subreaper); it freezes, thaws
/// and kills them, and stays outside of the frozen set itself. Standard input is the control
/// socket, 1 and 2 are the logs of function and extensions. Single-threaded. When the control
/// socket closes (the emulator is gone, however it died) it kills everything and ends.
///
/// `arguments`: MEMORY [HOST_TMP BIND...] where MEMORY is how many bytes of data a process may have
/// (0: any number), HOST_TMP becomes /tmp in a mount namespace of its own and the BIND folders stay
/// reachable read-only; without HOST_TMP it is the host's /tmp.
[[nodiscard]] int run_sandbox_process(const std::vector<std::string>& arguments);

}  // namespace postlude::emulator
