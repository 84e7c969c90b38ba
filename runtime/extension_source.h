#pragma once

#include "common/environment.h"
#include "common/messages.h"
#include "runtime/extension_link.h"

#include <string>
#include <string_view>
#include <vector>

namespace postlude::runtime {

/// Whose child the extension is (contract.md 2).
enum class ExtensionSource {
  own_child,     ///< default flavour: started and supervised by the shim
  the_platform,  ///< external flavour: it was there first, and its end is the environment's
};

/// The platform's, where the folder of the shim has `extensions/postlude`.
[[nodiscard]] ExtensionSource extension_source(const std::string& own_folder);

/// The names on which external extensions wait for a shim, in the text of /proc/net/unix.
[[nodiscard]] std::vector<std::string> waiting_extensions(std::string_view unix_sockets);

/// Links to the platform's extension, which listens since before the runtime could start, and says
/// hello. Where another proxy stands before the shim, the two know different addresses of the
/// Runtime API; then it is the one extension that waits for a shim here, if there is one. The
/// function's environment goes along as a file, because the platform keeps some variables from
/// external extensions. An error: there is no such extension.
[[nodiscard]] Result<void> meet_platforms_extension(ExtensionLink& link,
                                                    const Hello& hello,
                                                    const Environment& of_function);

}  // namespace postlude::runtime
