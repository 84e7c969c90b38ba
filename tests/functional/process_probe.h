#pragma once

#include <string>

namespace postlude::testing {

/// Waits for a file to exist with at least one whole line; its first line. Throws after a minute.
[[nodiscard]] std::string wait_for_line_in(const std::string& path);

/// An executable file, with its folders.
void write_script(const std::string& path, const std::string& text);

}  // namespace postlude::testing
