#include "tests/emulator/control_command.h"

#include "tests/emulator/options.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <string>
#include <utility>

namespace postlude::emulator {
namespace {

constexpr std::string_view kPrefix = "/environments/";

constexpr std::array<std::pair<std::string_view, ControlWord>, 10> kWords{
    {{"freeze", ControlWord::freeze},
     {"thaw", ControlWord::thaw},
     {"shutdown", ControlWord::shutdown},
     {"vanish", ControlWord::vanish},
     {"drop-connections", ControlWord::drop_connections},
     {"cut-event", ControlWord::cut_event},
     {"cut-answer", ControlWord::cut_answer},
     {"stale-answer", ControlWord::stale_answer},
     {"hold-acknowledgement", ControlWord::hold_acknowledgement},
     {"acknowledge", ControlWord::acknowledge}}};

template <class Number>
std::optional<Number> number(std::string_view text) {
  Number value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  if (parsed.ec != std::errc{} || parsed.ptr != text.data() + text.size()) {
    return std::nullopt;
  }
  return value;
}

bool set_parameter(ControlCommand& command, std::string_view name, std::string_view value) {
  if (name == "for" && command.word == ControlWord::freeze) {
    const auto duration = parse_duration(std::string(value));
    command.duration = duration.value_or(command.duration);
    return duration.has_value();
  }
  if (name == "after" &&
      (command.word == ControlWord::cut_event || command.word == ControlWord::cut_answer)) {
    const auto bytes = number<std::size_t>(value);
    command.after_bytes = bytes.value_or(0);
    return bytes.has_value();
  }
  return false;
}

}  // namespace

Result<ControlCommand> parse_control_command(std::string_view target) {
  const std::size_t question = std::min(target.find('?'), target.size());
  std::string_view path = target.substr(0, question);
  std::string_view query = target.substr(std::min(question + 1, target.size()));
  if (!path.starts_with(kPrefix)) {
    return fail("no such path: " + std::string(path));
  }
  path.remove_prefix(kPrefix.size());
  const std::size_t slash = std::min(path.find('/'), path.size());
  const auto environment = number<int>(path.substr(0, slash));
  const std::string_view name = path.substr(std::min(slash + 1, path.size()));
  const auto word = std::find_if(
      kWords.begin(), kWords.end(), [&](const auto& known) { return known.first == name; });
  if (!environment || word == kWords.end()) {
    return fail("no such command: " + std::string(path));
  }
  ControlCommand command;
  command.environment = *environment;
  command.word = word->second;
  while (!query.empty()) {
    const std::string_view one = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(one.size() + 1, query.size()));
    const std::size_t equals = std::min(one.find('='), one.size());
    if (!set_parameter(
            command, one.substr(0, equals), one.substr(std::min(equals + 1, one.size())))) {
      return fail("no such parameter: " + std::string(one));
    }
  }
  return command;
}

}  // namespace postlude::emulator
