#pragma once

#include <chrono>
#include <cstddef>

namespace postlude::emulator {

/// Buffered requests and results: 6 MiB and 100 bytes (lambda-protocol.md 1.3).
inline constexpr std::size_t kMaxBufferedBytes = (std::size_t{6} << 20) + 100;

/// Events of asynchronous invocations: 1 MB (lambda-protocol.md 1.10).
inline constexpr std::size_t kMaxEventBytes = std::size_t{1} << 20;

/// Error reports of the runtime (lambda-protocol.md 1.11): enough for any stack trace.
inline constexpr std::size_t kMaxErrorBytes = std::size_t{1} << 20;

/// Streamed results: 200 MB (lambda-protocol.md 1.4).
inline constexpr std::size_t kMaxStreamedBytes = std::size_t{200} << 20;

/// What a LogType=Tail caller gets of its execution's log (lambda-protocol.md 6.1).
inline constexpr std::size_t kLogTailBytes = 4096;

/// Extensions an environment may have, internal and external together (lambda-protocol.md 3.1).
inline constexpr std::size_t kMaxExtensions = 10;

// Shutdown budgets (lambda-protocol.md 4.6, the documentation's values).
inline constexpr std::chrono::milliseconds kShutdownWithInternal{500};
inline constexpr std::chrono::milliseconds kShutdownWithExternal{2000};
inline constexpr std::chrono::milliseconds kRuntimeShareWithExternal{300};

}  // namespace postlude::emulator
