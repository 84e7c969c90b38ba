#pragma once

#include "tests/fakes/process_watch.h"

#include <sys/types.h>

#include <functional>
#include <string>

namespace postlude::testing {

/// The whole file; empty if it cannot be read.
[[nodiscard]] std::string file_text(const std::string& path);

/// Asks again and again, since /proc and files have no event to wait on; throws after a minute.
void look_until(const std::string& what, const std::function<bool()>& found);

/// Waits until the process has that state (one of `states`); throws after a minute.
void wait_for_state(pid_t pid, const std::string& states);

/// Waits for a file to exist with at least one whole line; its first line.
[[nodiscard]] std::string wait_for_line_in(const std::string& path);

void write_script(const std::string& path, const std::string& text);

}  // namespace postlude::testing
