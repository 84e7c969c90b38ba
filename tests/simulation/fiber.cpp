#include "tests/simulation/fiber.h"

#include <sys/mman.h>

#include <cassert>
#include <cstdlib>
#include <utility>
#include <vector>

#if defined(__SANITIZE_ADDRESS__)
#include <dlfcn.h>
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

namespace postlude::simulation {
namespace {

/// The deepest real code here parses JSON and formats text; a sanitizer's frames are many times
/// larger.
#if defined(__SANITIZE_ADDRESS__)
constexpr std::size_t kStackBytes = std::size_t{1} << 20;
#else
constexpr std::size_t kStackBytes = std::size_t{256} << 10;
#endif
constexpr std::size_t kGuardBytes = 4096;

Fiber* running = nullptr;

/// Stacks of fibers that are over: a schedule needs a dozen, and mapping one costs more than
/// running it.
std::vector<std::byte*>& idle_stacks() {
  static std::vector<std::byte*> stacks;
  return stacks;
}

std::byte* take_stack() {
  if (!idle_stacks().empty()) {
    std::byte* const stack = idle_stacks().back();
    idle_stacks().pop_back();
    return stack;
  }
  void* const memory = ::mmap(nullptr,
                              kStackBytes,
                              PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK,
                              // cppcheck-suppress invalidFunctionArg
                              -1,
                              0);
  if (memory == MAP_FAILED || ::mprotect(memory, kGuardBytes, PROT_NONE) != 0) {
    std::abort();
  }
  return static_cast<std::byte*>(memory);
}

void give_back(std::byte* stack) {
#if defined(__SANITIZE_ADDRESS__)
  ASAN_UNPOISON_MEMORY_REGION(stack + kGuardBytes, kStackBytes - kGuardBytes);
#endif
  idle_stacks().push_back(stack);
}

/// AddressSanitizer's own swapcontext() warns, and forgets all it knows of a stack each time; it is
/// told of the switches instead.
void swap_contexts(ucontext_t* from, const ucontext_t* to) {
#if defined(__SANITIZE_ADDRESS__)
  using Swap = int (*)(ucontext_t*, const ucontext_t*);
  static const auto swap = reinterpret_cast<Swap>(::dlsym(RTLD_NEXT, "swapcontext"));
  swap(from, to);
#else
  // cppcheck-suppress swapcontextCalled
  ::swapcontext(from, to);
#endif
}

void announce_switch([[maybe_unused]] void** fake_stack,
                     [[maybe_unused]] const void* stack,
                     [[maybe_unused]] std::size_t size) {
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_start_switch_fiber(fake_stack, stack, size);
#endif
}

void finish_switch([[maybe_unused]] void* fake_stack,
                   [[maybe_unused]] const void** left,
                   [[maybe_unused]] std::size_t* left_size) {
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(fake_stack, left, left_size);
#endif
}

}  // namespace

Fiber::Fiber(std::function<void()> body) : body_(std::move(body)) {}

Fiber::~Fiber() {
  assert(!started_ || over_);
  if (stack_ != nullptr) {
    give_back(stack_);
  }
}

Fiber* Fiber::current() {
  return running;
}

void Fiber::resume() {
  assert(!over_ && running != this);
  if (!std::exchange(started_, true)) {
    stack_ = take_stack();
    // cppcheck-suppress getcontextCalled
    ::getcontext(&context_);
    context_.uc_stack.ss_sp = stack_ + kGuardBytes;
    context_.uc_stack.ss_size = kStackBytes - kGuardBytes;
    context_.uc_link = nullptr;
    // cppcheck-suppress makecontextCalled
    ::makecontext(&context_, &Fiber::run, 0);
  }
  resumer_ = running;
  running = this;
  announce_switch(&resumer_fake_stack_, stack_ + kGuardBytes, kStackBytes - kGuardBytes);
  swap_contexts(&resumer_context_, &context_);
  finish_switch(resumer_fake_stack_, nullptr, nullptr);
}

void Fiber::yield() {
  Fiber* const self = running;
  running = self->resumer_;
  announce_switch(&self->own_fake_stack_, self->resumer_stack_, self->resumer_stack_size_);
  swap_contexts(&self->context_, &self->resumer_context_);
  finish_switch(self->own_fake_stack_, &self->resumer_stack_, &self->resumer_stack_size_);
}

void Fiber::run() {
  Fiber* const self = running;
  finish_switch(nullptr, &self->resumer_stack_, &self->resumer_stack_size_);
  self->body_();
  self->over_ = true;
  running = self->resumer_;
  // No fake stack is kept: this one never goes on.
  announce_switch(nullptr, self->resumer_stack_, self->resumer_stack_size_);
  ::setcontext(&self->resumer_context_);
  std::abort();
}

}  // namespace postlude::simulation
