#pragma once

#include "common/error.h"

#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace postlude::emulator {

enum class CallerMode {
  buffered,  ///< wants the whole result
  streamed,  ///< takes bytes as they come
};

struct InvocationRequest {
  std::string request_id;
  std::string attempt_id;  ///< Lambda-Runtime-Invocation-Id; empty unless switched on
  std::string function_arn;
  std::string trace_id;
  std::string client_context;  ///< decoded JSON, empty if none
  std::string tenant_id;
  std::string payload;
  CallerMode mode = CallerMode::buffered;
};

/// What a caller learns of a function that failed.
struct FunctionFailure {
  std::string error_type;
  std::string body;  ///< JSON
  /// Of the service's own error, which is told instead of a result (lambda-protocol.md 6.1).
  std::optional<int> service_status = std::nullopt;
};

struct WholeResult {
  std::string content_type;
  std::string body;
  std::optional<FunctionFailure> failure;  ///< body is then the failure's
};

/// One call on its way between a caller's thread and an environment. The answer is settled once:
/// whole, or as a stream that ends or is cut; later attempts change nothing. Thread-safe.
class Invocation {
 public:
  explicit Invocation(InvocationRequest request) : request_(std::move(request)) {}

  [[nodiscard]] const InvocationRequest& request() const { return request_; }

  // The environment's side.

  void answer(WholeResult result);
  /// Opens the stream of a `streamed` caller.
  void begin_stream(std::string content_type);
  /// Blocks while the caller is slow: at most kStreamWindow bytes are kept. An error says that the
  /// invocation was failed meanwhile; bytes for a caller that left are dropped without one.
  [[nodiscard]] Result<void> write(std::string_view bytes);
  void end_stream(std::optional<FunctionFailure> failure);
  /// Before any answer: this is the answer. In a stream: cuts it. Afterwards: nothing.
  void fail(FunctionFailure failure);
  /// END and REPORT are written; `log_tail` is START to REPORT, its last kLogTailBytes.
  void finish(std::string log_tail);
  /// What failed of it, in the answer or after it; final once finish() was called.
  [[nodiscard]] std::optional<FunctionFailure> outcome() const;
  /// The answer is complete, whatever it was.
  [[nodiscard]] bool answered() const;
  /// When the answer began, and when it was complete; of the monotonic clock.
  struct AnswerTimes {
    std::optional<std::chrono::steady_clock::time_point> begin;
    std::optional<std::chrono::steady_clock::time_point> end;
  };
  [[nodiscard]] AnswerTimes answer_times() const;
  /// How many bytes of an answer the function gave so far.
  [[nodiscard]] std::size_t produced_bytes() const;

  // The caller's side.

  enum class Answer { whole, stream };
  /// Blocks until there is something to tell.
  [[nodiscard]] Answer wait_answer();
  [[nodiscard]] WholeResult take_whole();
  [[nodiscard]] std::string stream_content_type() const;
  /// Blocks for the next bytes of the stream, moved into `bytes`.
  enum class Piece { bytes, end, cut };
  [[nodiscard]] Piece read(std::string& bytes);
  void caller_left();
  /// Blocks until finish().
  [[nodiscard]] std::string wait_finished();

 private:
  /// Small, so that a slow caller slows the function down and memory stays flat.
  static constexpr std::size_t kStreamWindow = std::size_t{256} << 10;
  enum class State { open, whole, streaming, ended, cut };

  const InvocationRequest request_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  State state_ = State::open;
  WholeResult whole_;
  std::string content_type_;
  std::string window_;
  std::size_t produced_bytes_ = 0;
  AnswerTimes answer_times_;
  bool caller_left_ = false;
  std::optional<FunctionFailure> outcome_;
  std::optional<std::string> log_tail_;
};

}  // namespace postlude::emulator
