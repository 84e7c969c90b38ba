#pragma once

#include <functional>
#include <map>

namespace postlude::simulation {

/// Descriptors that only exist in the simulation: numbers no kernel hands out, for poll() and
/// close(). Files are real.
class Descriptors {
 public:
  static constexpr int kFirst = 1 << 20;

  struct Entry {
    std::function<short()> ready;  ///< what poll() would report
    std::function<void()> closed = [] {};
  };

  [[nodiscard]] int open(Entry entry);
  void close(int descriptor);
  /// 0 for one that is closed.
  [[nodiscard]] short ready(int descriptor) const;

 private:
  std::map<int, Entry> entries_;
  int next_ = kFirst;
};

[[nodiscard]] inline bool is_simulated(int descriptor) {
  return descriptor >= Descriptors::kFirst;
}

}  // namespace postlude::simulation
