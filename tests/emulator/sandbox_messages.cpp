#include "tests/emulator/sandbox_messages.h"

#include "common/json_text.h"

#include <nlohmann/json.hpp>

#include <sys/socket.h>

#include <cerrno>

namespace postlude::emulator {

bool send_packet(int socket, const nlohmann::json& message) {
  const std::string text = dump_json(message);
  ssize_t sent = 0;
  do {
    sent = ::send(socket, text.data(), text.size(), MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  return sent == static_cast<ssize_t>(text.size());
}

std::optional<nlohmann::json> receive_packet(int socket) {
  std::string text(kMaxSandboxPacket, '\0');
  ssize_t got = 0;
  do {
    got = ::recv(socket, text.data(), text.size(), 0);
  } while (got < 0 && errno == EINTR);
  if (got <= 0) {
    return std::nullopt;
  }
  text.resize(static_cast<std::size_t>(got));
  auto message = parse_json(text);
  return message ? std::optional(std::move(*message)) : std::nullopt;
}

nlohmann::json to_json(const ProcessToStart& process) {
  return {{"do", "start"},
          {"who", process.who},
          {"argv", process.argv},
          {"environment", process.environment},
          {"cwd", process.working_directory},
          {"extension", process.log == ProcessLog::extension}};
}

ProcessToStart process_from_json(const nlohmann::json& message) {
  return {.who = message.value("who", ""),
          .argv = message.value("argv", std::vector<std::string>{}),
          .environment =
              message.value("environment", std::vector<std::pair<std::string, std::string>>{}),
          .working_directory = message.value("cwd", ""),
          .log = message.value("extension", false) ? ProcessLog::extension : ProcessLog::function};
}

nlohmann::json to_json(const std::string& who, ExitStatus status) {
  return {{"exited", who},
          {"signalled", status.kind == ExitStatus::Kind::signalled},
          {"number", status.number}};
}

ExitStatus status_from_json(const nlohmann::json& message) {
  return {
      message.value("signalled", false) ? ExitStatus::Kind::signalled : ExitStatus::Kind::exited,
      message.value("number", 0)};
}

}  // namespace postlude::emulator
