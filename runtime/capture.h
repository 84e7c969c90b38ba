#pragma once

#include "common/error.h"
#include "common/spool.h"
#include "common/unique_fd.h"

#include <cstddef>
#include <string>
#include <string_view>

namespace postlude::runtime {

/// A copy of a body that passes by, for the task document. Small bodies stay in memory and become
/// a file only if a task needs them; an event beyond kMemoryBytes goes to its file as it comes, so
/// that the shim's memory stays flat. A failure to write (the spool is full) ends the capture: what
/// was written is removed, and store() reports why.
class Capture {
 public:
  /// Most events are smaller than this and never touch the disk unless a task runs.
  static constexpr std::size_t kMemoryBytes = std::size_t{64} << 10;
  /// Contract 4.4: of a response only this much is kept.
  static constexpr std::size_t kMaxResponseBytes = std::size_t{256} << 10;

  enum class Extent {
    whole,   ///< events
    prefix,  ///< responses: the first kMaxResponseBytes, in memory
  };

  Capture(Spool* spool, std::string name, Extent extent)
      : spool_(spool), name_(std::move(name)), extent_(extent) {}
  Capture(Capture&&) noexcept = default;
  Capture& operator=(Capture&&) noexcept = default;
  Capture(const Capture&) = delete;
  Capture& operator=(const Capture&) = delete;
  /// Removes its file unless somebody else is to do that: keep().
  ~Capture();

  void append(std::string_view bytes);
  /// Forgets what was kept in memory: a refused answer makes room for the next one.
  void clear() {
    memory_.clear();
    truncated_ = false;
  }

  [[nodiscard]] bool truncated() const { return truncated_; }
  [[nodiscard]] bool empty() const { return memory_.empty() && !file_; }

  /// Makes the file complete; its name. Again: the same name, nothing to do.
  [[nodiscard]] Result<std::string> store();
  /// A record names the file: whoever has the last such task removes it.
  void keep() { kept_ = true; }
  /// Of the complete file, after store(): -1 before. Stays this object's.
  [[nodiscard]] int fd() const { return stored_ ? file_.get() : -1; }

 private:
  void spill(std::string_view bytes);
  void give_up(const Error& error);

  Spool* spool_;
  std::string name_;
  Extent extent_;
  std::string memory_;
  UniqueFd file_;
  Result<void> written_;
  bool truncated_ = false;
  bool stored_ = false;
  bool kept_ = false;
};

}  // namespace postlude::runtime
