#include "runtime/extension_source.h"

#include "common/environment_file.h"
#include "common/extensions_protocol.h"

#include <fmt/format.h>

#include <unistd.h>

#include <utility>
#include <vector>

namespace postlude::runtime {

ExtensionSource extension_source(const std::string& own_folder) {
  const std::string file = fmt::format("{}/extensions/{}", own_folder, kExternalName);
  return ::access(file.c_str(), F_OK) == 0 ? ExtensionSource::the_platform
                                           : ExtensionSource::own_child;
}

Result<void> meet_platforms_extension(ExtensionLink& link,
                                      const Hello& hello,
                                      const Environment& of_function) {
  Environment environment = of_function;
  // The runtime's private log channel: a second writer would corrupt its frames.
  environment.erase("_LAMBDA_TELEMETRY_LOG_FD");
  auto file = environment_to_file(environment);
  if (!file) {
    return tl::unexpected(file.error());
  }
  if (auto connected = link.connect(external_link_name(hello.runtime_api)); !connected) {
    return fail(fmt::format(
        "the platform did not start extensions/{}: {}", kExternalName, connected.error().message));
  }
  std::vector<UniqueFd> files;
  files.push_back(std::move(*file));
  link.send(hello, std::move(files));
  return {};
}

}  // namespace postlude::runtime
