#include "extension/release.h"

#include <algorithm>
#include <utility>

namespace postlude::extension {
namespace {

/// The INVOKE of an invocation is at most delayed, so more than one is unusual.
constexpr std::size_t kMostSettledEarly = 16;

}  // namespace

Release::Verdict Release::registered() {
  return ask();
}

Release::Verdict Release::invoked(const std::string& request_id) {
  state_ = State::holding;
  refused_before_ = false;
  current_ = request_id;
  const auto early = std::find(settled_early_.begin(), settled_early_.end(), request_id);
  if (early == settled_early_.end()) {
    return Verdict::hold;
  }
  settled_early_.erase(early);
  return ask();
}

bool Release::has_invoke(const std::string& request_id) const {
  return state_ == State::holding && current_ == request_id;
}

Release::Verdict Release::settled(const std::string& request_id) {
  if (state_ == State::refused || (state_ == State::holding && current_ == request_id)) {
    return ask();
  }
  if (state_ == State::parked || state_ == State::holding) {
    settled_early_.push_back(request_id);
    if (settled_early_.size() > kMostSettledEarly) {
      settled_early_.erase(settled_early_.begin());
    }
  }
  return Verdict::hold;
}

Release::Verdict Release::refused() {
  state_ = refused_before_ ? State::given_up : State::refused;
  refused_before_ = true;
  const bool settled = !std::exchange(settled_early_, {}).empty();
  return settled && state_ == State::refused ? ask() : Verdict::hold;
}

Release::Verdict Release::ask() {
  state_ = State::parked;
  current_.clear();
  return Verdict::ask;
}

}  // namespace postlude::extension
