#include "runtime/extension_source.h"

#include "common/environment_file.h"
#include "common/extensions_protocol.h"
#include "common/packet_socket.h"
#include "common/process_tree.h"

#include <fmt/format.h>

#include <unistd.h>

#include <utility>

namespace postlude::runtime {
namespace {

Result<void> connect_to_extension(ExtensionLink& link, const std::string& runtime_api) {
  auto connected = link.connect(external_link_name(runtime_api));
  if (connected) {
    return connected;
  }
  const auto waiting = waiting_extensions(read_proc("/proc/net/unix").value_or(""));
  return waiting.size() == 1 ? link.connect(waiting.front()) : connected;
}

}  // namespace

ExtensionSource extension_source(const std::string& own_folder) {
  const std::string file = fmt::format("{}/extensions/{}", own_folder, kExternalName);
  return ::access(file.c_str(), F_OK) == 0 ? ExtensionSource::the_platform
                                           : ExtensionSource::own_child;
}

std::vector<std::string> waiting_extensions(std::string_view unix_sockets) {
  // "<address> <references> <protocol> <flags> <type> <state> <inode> @<abstract name>"
  constexpr std::string_view kListening = " 00010000 ";
  const std::string wanted = "@" + external_link_name("");
  std::vector<std::string> names;
  while (!unix_sockets.empty()) {
    const std::size_t end = unix_sockets.find('\n');
    const std::string_view line = unix_sockets.substr(0, end);
    unix_sockets.remove_prefix(end == std::string_view::npos ? unix_sockets.size() : end + 1);
    const std::size_t name = line.find(wanted);
    if (name != std::string_view::npos && line.substr(0, name).find(kListening) != line.npos) {
      names.emplace_back(line.substr(name + 1));
    }
  }
  return names;
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
  if (auto connected = connect_to_extension(link, hello.runtime_api); !connected) {
    return fail(fmt::format(
        "the platform did not start extensions/{}: {}", kExternalName, connected.error().message));
  }
  std::vector<UniqueFd> files;
  files.push_back(std::move(*file));
  link.send(hello, std::move(files), ExtensionLink::Sending::now);
  return {};
}

}  // namespace postlude::runtime
