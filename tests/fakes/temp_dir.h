#pragma once

#include <string>
#include <string_view>

namespace postlude::testing {

/// A folder of this test's own, removed with everything in it at the end.
class TempDir {
 public:
  TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  ~TempDir();

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::string file(std::string_view name) const;

  // NOLINTBEGIN(modernize-use-nodiscard): the path is there for those who want it
  /// Returns the path.
  std::string write(std::string_view name, std::string_view content) const;
  /// The same, executable.
  std::string write_program(std::string_view name, std::string_view content) const;
  // NOLINTEND(modernize-use-nodiscard)
  /// Empty if there is no such file.
  [[nodiscard]] std::string read(std::string_view name) const;

 private:
  std::string path_;
};

}  // namespace postlude::testing
