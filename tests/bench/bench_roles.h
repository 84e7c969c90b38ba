#pragma once

#include "common/environment.h"

#include <string>
#include <vector>

namespace postlude::testing {

/// What the processes of the benchmark that are not Postlude's get to work with. Each function is
/// the whole life of one such process and returns its exit status.
struct BenchRole {
  Environment environment;
  std::vector<std::string> arguments;  ///< without program and role
};

/// platform NAME: plays the platform as its standard input says, a command a line, each answered by
/// a line of JSON ({"error": "..."} ends it):
///   start PROGRAM ARGUMENT...   the contestant; its output goes to standard error. {"pid"}
///   parked RUNTIMES EXTENSIONS  waits for so many polls. {"initNs"}: from before the start to the
///                               first poll of a runtime
///   batch KEY=NUMBER...         invocations, parallel, event, answer (bytes), chunk, defer;
///                               lists of nanoseconds, one number an invocation: {"firstByte",
///                               "answer", "released", "release", "begins"}
///   stop                        SIGTERM, and the wait for the end. {}
/// NAME: of the socket that `task` tells its end to.
[[nodiscard]] int play_platform(const BenchRole& role);

/// runtime: a runtime client that does what each event says (RuntimeWish): one connection, or as
/// many as AWS_LAMBDA_MAX_CONCURRENCY, a thread each.
[[nodiscard]] int play_runtime(const BenchRole& role);

/// relay PROGRAM ARGUMENT...: the floor of any proxy of the Runtime API: starts the program with
/// its own address in AWS_LAMBDA_RUNTIME_API and copies bytes both ways, one connection up for each
/// one down, one thread, no look at what they are.
[[nodiscard]] int play_relay(const BenchRole& role);

/// task NAME: tells the platform of that name the moment of its end.
[[nodiscard]] int play_task(const BenchRole& role);

}  // namespace postlude::testing
