#pragma once

#include "common/messages.h"
#include "runtime/extension_link.h"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace postlude::runtime {

/// Questions of functions about their invocation (contract.md 5), from the call to its answer. The
/// extension knows the tasks; the shim never waits for it. Runs on the loop's thread.
class Inspections {
 public:
  /// Called once, with the whole message to answer the function with; never from within ask().
  using Reply = std::function<void(std::string message)>;

  explicit Inspections(ExtensionLink& link) : link_(link) {}

  /// What is asked for: an invocation, or a handler attempt in its time.
  struct Subject {
    InvocationKey key;
    EpochTime deadline;
    bool responded = false;
  };
  void ask(const Subject& subject, Reply reply);
  void arrived(const TaskStates& states);
  /// The extension that was asked is gone: its successor is.
  void ask_again();
  [[nodiscard]] bool pending() const { return !open_.empty(); }
  /// The extension is gone: what is open is answered with what it has told.
  void give_up();

 private:
  struct Open {
    std::uint64_t query = 0;
    Subject subject;
    std::vector<TaskStatus> tasks;
    Reply reply;
  };

  ExtensionLink& link_;
  std::uint64_t last_query_ = 0;
  std::vector<Open> open_;
};

}  // namespace postlude::runtime
