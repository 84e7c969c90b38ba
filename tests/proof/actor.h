#pragma once

#include "common/environment.h"

#include <string>
#include <string_view>

namespace postlude::testing {

/// What the processes of the proofs that are not Postlude's end with when the stage or the Runtime
/// API is gone.
inline constexpr int kActorAlone = 90;

/// A question to the test, and the wait for its word: one line over an own connection to
/// 127.0.0.1:$PROOF_STAGE, "<place> <id> <pid> <attempt>", answered by "<number>".
struct Question {
  std::string_view place;
  std::string_view id = "-";
  std::string_view attempt = "0";
};
/// kActorAlone if the stage is gone.
[[nodiscard]] int ask_stage(const Environment& environment, const Question& question);

/// The command of a task: reads its document, asks at the place "task" and ends with the word.
[[nodiscard]] int act_as_task(const Environment& environment);

/// A runtime client. It asks at "init", then takes events; each tells its moves by a member
/// "moves", words between spaces:
///   hold:<place>   asks there, and goes on
///   answer         {"answered": <request id>}, buffered
///   begin, end     the same in two halves, streamed
///   fail           posts an error
///   defer:<task>   hands that task over by the local API
/// At SIGTERM it asks at "sigterm" and ends with the word.
[[nodiscard]] int act_as_runtime(const Environment& environment);

}  // namespace postlude::testing
