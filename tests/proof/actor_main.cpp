// proof-actor runtime | task: the processes of the proofs that are not Postlude's. They are one
// static program, because thousands of them are started, and do nothing that the test did not ask
// for.
#include "tests/proof/actor.h"

#include <cstdio>
#include <string_view>

int main(int argc, char** argv) {
  const postlude::Environment environment = postlude::Environment::of_process();
  const std::string_view role = argc > 1 ? argv[1] : "";
  if (role == "runtime") {
    return postlude::testing::act_as_runtime(environment);
  }
  if (role == "task") {
    return postlude::testing::act_as_task(environment);
  }
  static_cast<void>(std::fputs("usage: proof-actor runtime|task\n", stderr));
  return 2;
}
