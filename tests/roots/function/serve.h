#pragma once

#include "common/environment.h"

#include <string_view>

namespace postlude::testing {

/// One line on standard output.
void say(std::string_view line);

/// Waits until the test lets it go on: a connection to port $GATE, told `place`, is answered or
/// closed.
void wait_at_gate(const Environment& environment, std::string_view place);

/// A runtime client with its function, which makes the moves that an event names anywhere, in its
/// body or in the query of a URL: "moves=begin,gate,end".
///   answer         {"answered": "<request id>"}, buffered
///   begin, end     "first ", then "second", streamed
///   early          answers "early" by the local API
///   defer:TASK     hands {"task": TASK, "payload": {"from": "function"}} over by the local API
///   health         prints what the local API says of itself
///   gate           waits for the test
///   look           prints who it is and what it cannot do here
///   done           prints "handler done"
/// Without a move: answer. What it prints begins with "function: ". Ends when the API is gone.
[[nodiscard]] int serve(const Environment& environment);

}  // namespace postlude::testing
