#include "tests/emulator/invocation.h"

#include <algorithm>
#include <utility>

namespace postlude::emulator {

using Clock = std::chrono::steady_clock;

void Invocation::answer(WholeResult result) {
  const std::lock_guard lock(mutex_);
  if (state_ == State::open) {
    state_ = State::whole;
    outcome_ = result.failure;
    produced_bytes_ = result.body.size();
    whole_ = std::move(result);
    answer_times_ = {Clock::now(), Clock::now()};
    changed_.notify_all();
  }
}

void Invocation::begin_stream(std::string content_type) {
  const std::lock_guard lock(mutex_);
  if (state_ == State::open) {
    state_ = State::streaming;
    content_type_ = std::move(content_type);
    answer_times_.begin = Clock::now();
    changed_.notify_all();
  }
}

Result<void> Invocation::write(std::string_view bytes) {
  std::unique_lock lock(mutex_);
  while (!bytes.empty()) {
    changed_.wait(lock, [&] {
      return window_.size() < kStreamWindow || caller_left_ || state_ != State::streaming;
    });
    if (state_ != State::streaming) {
      return postlude::fail(ErrorCode::closed, "the invocation was ended");
    }
    if (caller_left_) {
      produced_bytes_ += bytes.size();
      return {};
    }
    const std::size_t size = std::min(bytes.size(), kStreamWindow - window_.size());
    produced_bytes_ += size;
    window_.append(bytes.substr(0, size));
    bytes.remove_prefix(size);
    changed_.notify_all();
  }
  return {};
}

void Invocation::end_stream(std::optional<FunctionFailure> failure) {
  const std::lock_guard lock(mutex_);
  if (state_ == State::streaming) {
    state_ = State::ended;
    outcome_ = failure;
    whole_.failure = std::move(failure);
    answer_times_.end = Clock::now();
    changed_.notify_all();
  }
}

void Invocation::fail(FunctionFailure failure) {
  const std::lock_guard lock(mutex_);
  if (!outcome_) {
    outcome_ = failure;
  }
  if (state_ == State::open) {
    state_ = State::whole;
    whole_ = {"application/json", failure.body, failure};
  } else if (state_ == State::streaming) {
    state_ = State::cut;
    answer_times_.end = Clock::now();
    whole_.failure = std::move(failure);
  }
  changed_.notify_all();
}

void Invocation::finish(std::string log_tail) {
  const std::lock_guard lock(mutex_);
  log_tail_ = std::move(log_tail);
  changed_.notify_all();
}

std::optional<FunctionFailure> Invocation::outcome() const {
  const std::lock_guard lock(mutex_);
  return outcome_;
}

bool Invocation::answered() const {
  const std::lock_guard lock(mutex_);
  return state_ != State::open && state_ != State::streaming;
}

Invocation::AnswerTimes Invocation::answer_times() const {
  const std::lock_guard lock(mutex_);
  return answer_times_;
}

std::size_t Invocation::produced_bytes() const {
  const std::lock_guard lock(mutex_);
  return produced_bytes_;
}

Invocation::Answer Invocation::wait_answer() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return state_ != State::open; });
  return state_ == State::whole ? Answer::whole : Answer::stream;
}

WholeResult Invocation::take_whole() {
  const std::lock_guard lock(mutex_);
  return std::move(whole_);
}

std::string Invocation::stream_content_type() const {
  const std::lock_guard lock(mutex_);
  return content_type_;
}

Invocation::Piece Invocation::read(std::string& bytes) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return !window_.empty() || state_ != State::streaming; });
  if (!window_.empty()) {
    bytes = std::exchange(window_, {});
    changed_.notify_all();
    return Piece::bytes;
  }
  return state_ == State::ended ? Piece::end : Piece::cut;
}

void Invocation::caller_left() {
  const std::lock_guard lock(mutex_);
  caller_left_ = true;
  window_.clear();
  changed_.notify_all();
}

std::string Invocation::wait_finished() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return log_tail_.has_value(); });
  return *log_tail_;
}

}  // namespace postlude::emulator
