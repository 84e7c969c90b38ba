#pragma once

namespace postlude {

/// Fills 0, 1 and 2 where whoever started us left them closed, so that no socket of ours takes
/// their numbers and gets log lines. Children find them closed as we did. First thing in main().
void reserve_standard_descriptors();

}  // namespace postlude
