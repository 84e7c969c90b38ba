#include "tests/functional/process_probe.h"

#include <poll.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>
#include <stdexcept>

namespace postlude::testing {
void look_until(const std::string& what, const std::function<bool()>& found) {
  constexpr std::chrono::seconds kPatience{60};
  constexpr int kStepMs = 2;
  const auto end = std::chrono::steady_clock::now() + kPatience;
  while (!found()) {
    if (std::chrono::steady_clock::now() > end) {
      throw std::runtime_error("waited in vain for " + what);
    }
    ::poll(nullptr, 0, kStepMs);
  }
}

std::string file_text(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

void wait_for_state(pid_t pid, const std::string& states) {
  look_until("process " + std::to_string(pid) + " in one of " + states,
             [&] { return states.find(process_state(pid)) != std::string::npos; });
}

std::string wait_for_line_in(const std::string& path) {
  std::string line;
  look_until(path, [&] {
    std::ifstream file(path);
    return std::getline(file, line) && !file.eof();
  });
  return line;
}

void write_script(const std::string& path, const std::string& text) {
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  std::ofstream(path) << text;
  std::filesystem::permissions(path, std::filesystem::perms::owner_all);
}

}  // namespace postlude::testing
