#pragma once

#include <string_view>

namespace postlude::emulator {

/// Writes everything to a blocking descriptor, in one write where the kernel takes it. Gives up
/// silently if the reader is gone: it is used for output only.
void write_all(int fd, std::string_view bytes);

}  // namespace postlude::emulator
