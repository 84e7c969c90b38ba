#pragma once

#include <string>

namespace postlude {

/// Where this process's program lies: everything of the layer is found from there, so that its
/// folder works from anywhere.
class OwnProgram {
 public:
  explicit OwnProgram(std::string path) : path_(std::move(path)) {}

  /// Without a slash at its end.
  [[nodiscard]] std::string folder() const { return path_.substr(0, slash()); }
  [[nodiscard]] std::string name() const { return path_.substr(slash() + 1); }

 private:
  [[nodiscard]] std::string::size_type slash() const {
    const auto at = path_.rfind('/');
    return at == std::string::npos ? 0 : at;
  }

  std::string path_;  ///< absolute
};

/// Of the file itself, whatever link led to it.
[[nodiscard]] OwnProgram own_program();

}  // namespace postlude
