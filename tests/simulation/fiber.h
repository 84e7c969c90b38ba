#pragma once

#include <ucontext.h>

#include <cstddef>
#include <functional>
#include <memory>

namespace postlude::simulation {

/// A thread of control that runs only when it is resumed, on a stack of its own: a simulated
/// process or thread keeps its place in real code while others have their turn. One operating
/// system thread; fibers may resume fibers.
class Fiber {
 public:
  /// `body` throws nothing.
  explicit Fiber(std::function<void()> body);
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;
  /// Only once it is over, or was never resumed.
  ~Fiber();

  /// Runs it until it yields or is over. Not from within itself.
  void resume();
  /// Back to whoever resumed the running fiber.
  static void yield();
  /// Null: none runs.
  [[nodiscard]] static Fiber* current();

  [[nodiscard]] bool over() const { return over_; }

 private:
  static void run();

  std::function<void()> body_;
  std::byte* stack_ = nullptr;
  ucontext_t context_ = {};
  ucontext_t resumer_context_ = {};
  Fiber* resumer_ = nullptr;
  bool started_ = false;
  bool over_ = false;
  // What AddressSanitizer keeps of the stack that is left.
  void* own_fake_stack_ = nullptr;
  void* resumer_fake_stack_ = nullptr;
  const void* resumer_stack_ = nullptr;
  std::size_t resumer_stack_size_ = 0;
};

}  // namespace postlude::simulation
