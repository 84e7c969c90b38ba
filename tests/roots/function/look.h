#pragma once

namespace postlude::testing {

/// Prints, each line beginning with "look: ", what an empty root promises: the user and its rights,
/// the limits, the files that there are, where something can be written, which system calls there
/// are.
void look();

}  // namespace postlude::testing
