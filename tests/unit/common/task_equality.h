#pragma once

#include "common/task.h"

#include <doctest/doctest.h>

namespace postlude::testing {

inline void check_same_action(const CommandAction& left, const CommandAction& right) {
  CHECK(left.argv == right.argv);
  CHECK(left.env == right.env);
  CHECK(left.cwd == right.cwd);
}

inline void check_same_action(const HttpAction& left, const HttpAction& right) {
  CHECK(left.method == right.method);
  CHECK(left.url == right.url);
  CHECK(left.headers == right.headers);
  CHECK(left.json == right.json);
  CHECK(left.body == right.body);
  CHECK(left.allow_hosts == right.allow_hosts);
}

inline void check_same_action(const SendAction& left, const SendAction& right) {
  CHECK(left.to == right.to);
  CHECK(left.body == right.body);
}

inline void check_same_action(const AwsAction& left, const AwsAction& right) {
  CHECK(left.service == right.service);
  CHECK(left.operation == right.operation);
  CHECK(left.target == right.target);
  CHECK(left.json_version == right.json_version);
  CHECK(left.signing_name == right.signing_name);
  CHECK(left.method == right.method);
  CHECK(left.path == right.path);
  CHECK(left.input == right.input);
}

inline void check_same_action(const HandlerAction& left, const HandlerAction& right) {
  CHECK(left.event == right.event);
}

/// Every member.
inline void check_same_task(const Task& left, const Task& right) {
  CHECK(left.name == right.name);
  CHECK(left.trigger == right.trigger);
  CHECK(left.when == right.when);
  CHECK(left.timeout == right.timeout);
  CHECK(left.attempts == right.attempts);
  CHECK(left.backoff == right.backoff);
  CHECK(left.replay == right.replay);
  CHECK(left.dead_letter == right.dead_letter);
  REQUIRE(left.match.size() == right.match.size());
  for (std::size_t index = 0; index < left.match.size(); ++index) {
    CHECK(left.match[index].reference == right.match[index].reference);
    CHECK(left.match[index].any_of == right.match[index].any_of);
  }
  REQUIRE(left.action.index() == right.action.index());
  std::visit(
      [&right](const auto& action) {
        check_same_action(action, std::get<std::decay_t<decltype(action)>>(right.action));
      },
      left.action);
}

}  // namespace postlude::testing
