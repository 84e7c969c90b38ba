#include "extension/command_spec.h"

#include "tests/fakes/temp_dir.h"

#include <doctest/doctest.h>

namespace postlude::extension {
using testing::TempDir;

namespace {

struct Fixture {
  Fixture() {
    record.id = "r1/report/1";
    record.key = {"r1", 1};
    record.trace_id = "Root=1-2";
    record.task.name = "report";
  }

  [[nodiscard]] Result<ChildSpec> spec(const CommandAction& action) const {
    return extension::command_spec(action,
                                   {.record = record,
                                    .attempt = 2,
                                    .work_deadline = from_epoch_ms(1775516174092),
                                    .environment = environment,
                                    .task_root = root.path()});
  }

  TempDir root;
  TaskRecord record;
  Environment environment{{{"PATH", "/usr/bin:/bin"},
                           {"AWS_LAMBDA_RUNTIME_API", "127.0.0.1:9001"},
                           {"_LAMBDA_TELEMETRY_LOG_FD", "62"},
                           {"_X_AMZN_TRACE_ID", "Root=old"}}};
};

}  // namespace

TEST_CASE("a command has the function's environment and says which attempt of which task it is") {
  const Fixture fixture;
  const auto spec = fixture.spec({{"sh"}, {{"MODE", "fast"}}, {}});
  REQUIRE(spec);
  const Environment& environment = spec->environment;
  CHECK(environment.find("AWS_LAMBDA_RUNTIME_API") == "127.0.0.1:9001");
  CHECK(environment.find("POSTLUDE_TASK") == "report");
  CHECK(environment.find("POSTLUDE_TASK_ID") == "r1/report/1");
  CHECK(environment.find("POSTLUDE_ATTEMPT") == "2");
  CHECK(environment.find("POSTLUDE_REQUEST_ID") == "r1");
  CHECK(environment.find("POSTLUDE_DEADLINE_MS") == "1775516174092");
  CHECK(environment.find("_X_AMZN_TRACE_ID") == "Root=1-2");
  CHECK(environment.find("MODE") == "fast");
  CHECK_FALSE(environment.find("_LAMBDA_TELEMETRY_LOG_FD"));
}

TEST_CASE("variables of the task replace the function's, but not the ones that identify it") {
  const Fixture fixture;
  const auto spec = fixture.spec(
      {{"sh"}, {{"AWS_LAMBDA_RUNTIME_API", "mine"}, {"POSTLUDE_TASK_ID", "forged"}}, {}});
  REQUIRE(spec);
  CHECK(spec->environment.find("AWS_LAMBDA_RUNTIME_API") == "mine");
  CHECK(spec->environment.find("POSTLUDE_TASK_ID") == "r1/report/1");
}

TEST_CASE("a stale trace id is not handed on") {
  Fixture fixture;
  fixture.record.trace_id.clear();
  const auto spec = fixture.spec({{"sh"}, {}, {}});
  REQUIRE(spec);
  CHECK_FALSE(spec->environment.find("_X_AMZN_TRACE_ID"));
}

TEST_CASE("a program with a slash is found below the task root, one without in PATH") {
  const Fixture fixture;
  const std::string own = fixture.root.write_program("report", "#!/bin/sh\n");
  CHECK(fixture.spec({{"./report", "--fast"}, {}, {}})->program ==
        fixture.root.path() + "/./report");
  CHECK(fixture.spec({{"./report", "--fast"}, {}, {}})->argv ==
        std::vector<std::string>{"./report", "--fast"});
  CHECK(fixture.spec({{own}, {}, {}})->program == own);
  CHECK_FALSE(fixture.spec({{"report"}, {}, {}}));
  CHECK(fixture.spec({{"sh"}, {}, {}})->program.ends_with("/sh"));
}

TEST_CASE("the task's own PATH is the one that is searched") {
  const Fixture fixture;
  const std::string own = fixture.root.write_program("report", "#!/bin/sh\n");
  const auto spec = fixture.spec({{"report"}, {{"PATH", fixture.root.path()}}, {}});
  REQUIRE(spec);
  CHECK(spec->program == own);
}

TEST_CASE("the working directory is the task root, or a folder relative to it") {
  const Fixture fixture;
  CHECK(fixture.spec({{"sh"}, {}, {}})->working_directory == fixture.root.path());
  CHECK(fixture.spec({{"sh"}, {}, "."})->working_directory == fixture.root.path() + "/.");
  CHECK(fixture.spec({{"sh"}, {}, "/tmp"})->working_directory == "/tmp");
}

TEST_CASE("what is missing or not executable is named with a remedy") {
  const Fixture fixture;
  fixture.root.write("plain", "#!/bin/sh\n");
  const auto why = [&fixture](const CommandAction& action) {
    return fixture.spec(action).error().message;
  };
  CHECK(why({{"bin/none"}, {}, {}}) == fixture.root.path() + "/bin/none does not exist");
  CHECK(why({{"./plain"}, {}, {}}) ==
        fixture.root.path() + "/./plain is not an executable file (chmod +x?)");
  CHECK(why({{"no-such-program"}, {}, {}}) ==
        "\"no-such-program\" was not found in PATH (/usr/bin:/bin)");
  CHECK(why({{"sh"}, {}, "gone"}).find(fixture.root.path() + "/gone") != std::string::npos);
}

TEST_CASE("a command dies with us, so that a successor can run it again") {
  const Fixture fixture;
  CHECK(fixture.spec({{"sh"}, {}, {}})->parent_death_signal == 9);
}

}  // namespace postlude::extension
