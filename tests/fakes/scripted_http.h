#pragma once

#include "extension/http_function.h"

#include <deque>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace postlude::testing {

/// Answers HTTP requests from a list, in its order, and keeps what was asked. Once the list is
/// empty, nothing is reachable. For any number of threads.
class ScriptedHttp {
 public:
  using Reply = tl::expected<extension::HttpAnswer, extension::HttpFailure>;

  void answer(int status, std::string body, extension::HttpFields fields = {}) {
    const std::lock_guard lock(mutex_);
    replies_.emplace_back(extension::HttpAnswer{
        .status = status, .fields = std::move(fields), .body = std::move(body)});
  }

  void fail(extension::HttpFailure::Kind kind, std::string why) {
    const std::lock_guard lock(mutex_);
    replies_.emplace_back(
        tl::unexpected(extension::HttpFailure{.kind = kind, .why = std::move(why)}));
  }

  [[nodiscard]] extension::HttpFunction function() {
    return [this](const extension::HttpRequest& request, EpochTime) -> Reply {
      const std::lock_guard lock(mutex_);
      requests_.push_back(request);
      if (replies_.empty()) {
        return tl::unexpected(
            extension::HttpFailure{.kind = extension::HttpFailure::Kind::unreachable,
                                   .why = "nothing was to be asked any more"});
      }
      Reply reply = std::move(replies_.front());
      replies_.pop_front();
      return reply;
    };
  }

  [[nodiscard]] std::vector<extension::HttpRequest> requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
  }

 private:
  mutable std::mutex mutex_;
  std::deque<Reply> replies_;
  std::vector<extension::HttpRequest> requests_;
};

/// Empty where the request has no such field.
[[nodiscard]] inline std::string field_of(const extension::HttpRequest& request,
                                          std::string_view name) {
  for (const auto& [key, value] : request.fields) {
    if (key == name) {
      return value;
    }
  }
  return {};
}

}  // namespace postlude::testing
