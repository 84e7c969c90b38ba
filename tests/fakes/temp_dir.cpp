#include "tests/fakes/temp_dir.h"

#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace postlude::testing {

TempDir::TempDir() {
  std::string name = (std::filesystem::temp_directory_path() / "postlude-test-XXXXXX").string();
  REQUIRE(::mkdtemp(name.data()) != nullptr);
  path_ = name;
}

TempDir::~TempDir() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string TempDir::file(std::string_view name) const {
  return path_ + "/" + std::string(name);
}

std::string TempDir::write(std::string_view name, std::string_view content) const {
  std::ofstream(file(name), std::ios::binary) << content;
  return file(name);
}

std::string TempDir::write_program(std::string_view name, std::string_view content) const {
  write(name, content);
  std::filesystem::permissions(file(name), std::filesystem::perms::owner_all);
  return file(name);
}

std::string TempDir::read(std::string_view name) const {
  std::ostringstream content;
  content << std::ifstream(file(name), std::ios::binary).rdbuf();
  return content.str();
}

}  // namespace postlude::testing
