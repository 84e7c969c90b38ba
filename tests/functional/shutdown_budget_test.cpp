// The environment ends while something of it hangs: the shim is gone 50 ms before the platform's
// budget is all the same, and nothing of Postlude outlives it but the spool.
#include "common/tcp.h"
#include "tests/fakes/process_watch.h"
#include "tests/fakes/temp_dir.h"
#include "tests/functional/function_story.h"
#include "tests/functional/process_probe.h"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <string>
#include <thread>

using namespace postlude::testing;  // NOLINT(google-build-using-namespace)

namespace {

namespace fs = std::filesystem;

constexpr const char* kModes[] = {"group", "process"};
constexpr double kBudgetMs = 500;
constexpr double kBudgetBesideExternalMs = 300;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr double kReserveMs = 0;  // instrumented processes end slowly
#else
constexpr double kReserveMs = 50;
#endif

/// Says what it is, ignores what can be ignored, and leaves something behind in a session of its
/// own.
constexpr const char* kStubborn =
    R"(trap '' TERM INT HUP; (setsid sh -c 'trap "" TERM; sleep 1000; sleep 1000' &) ; )"
    R"(echo "stubborn waits"; read x <"$GATE"; sleep 1000)";

FunctionSpec shell_function(const char* mode, const std::string& task, const Gate& gate) {
  return {.name = "shell",
          .handler = "main",
          .tasks = task_list({task}),
          .env = {{"GATE", gate.path()}},
          .options = {"--signal", mode}};
}

pid_t process_of(const LocalLambda& lambda, std::string_view program) {
  const auto found =
      processes_with("AWS_LAMBDA_LOG_STREAM_NAME=" +
                         lambda.events({.name = "environmentStart"}).at(0).text("logStream"),
                     program);
  REQUIRE(!found.empty());
  return found.front();
}

/// Stops the emulator; the platform had to kill nothing, and found nothing that was left. How many
/// milliseconds the shim took.
double check_quiet_end(LocalLambda& lambda, double budget_ms) {
  CHECK(lambda.stop() == 0);
  const LambdaEvent begin = lambda.wait_for_event({.name = "shutdownBegin"});
  const LambdaEvent exited =
      lambda.wait_for_event({.name = "processExited", .members = {{"process", "runtime"}}});
  const double took_ms = exited.ms() - begin.ms();
  MESSAGE("the shim ended after ", took_ms, " ms");
  CHECK(took_ms < budget_ms);
  CHECK(lambda.events({.name = "sigkill"}).empty());
  CHECK(lambda.wait_for_event({.name = "shutdown"}).text("leftovers") == "[]");
  return took_ms;
}

/// A socket that takes connections and never says anything.
class MutePeer {
 public:
  MutePeer() : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* const any = reinterpret_cast<sockaddr*>(&address);
    REQUIRE(::bind(socket_.get(), any, size) == 0);
    REQUIRE(::listen(socket_.get(), SOMAXCONN) == 0);
    REQUIRE(::getsockname(socket_.get(), any, &size) == 0);
    port_ = ::ntohs(address.sin_port);
  }
  [[nodiscard]] std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  /// At most 30 s.
  void wait_for_connection() const {
    pollfd waiting{socket_.get(), POLLIN, 0};
    REQUIRE(::poll(&waiting, 1, 30'000) == 1);
  }

 private:
  postlude::UniqueFd socket_;
  int port_ = 0;
};

FunctionSpec with_dead_letter(FunctionSpec spec, const MutePeer& peer) {
  spec.env.insert(spec.env.end(),
                  {{"POSTLUDE_DEAD_LETTER", "arn:aws:sqs:eu-west-1:123456789012:dead"},
                   {"AWS_ENDPOINT_URL", peer.url()},
                   {"AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"},
                   {"AWS_SECRET_ACCESS_KEY", "secret"}});
  return spec;
}

}  // namespace

TEST_CASE("an extension that hangs is ended with all that its tasks started") {
  for (const char* mode : kModes) {
    CAPTURE(mode);
    const TempDir folder;
    const Gate gate(folder.file("gate"));
    LocalLambda lambda(
        provided_function(shell_function(mode, shell_task("stubborn", kStubborn), gate)));
    static_cast<void>(lambda.invoke("{}"));
    static_cast<void>(lambda.wait_for_log("stubborn waits"));
    REQUIRE(::kill(process_of(lambda, "postlude-extens"), SIGSTOP) == 0);
    static_cast<void>(check_quiet_end(lambda, kBudgetMs));
  }
}

TEST_CASE("a command that ignores everything is gone with the environment, and reported") {
  for (const char* mode : kModes) {
    CAPTURE(mode);
    const TempDir folder;
    const Gate gate(folder.file("gate"));
    LocalLambda lambda(
        provided_function(shell_function(mode, shell_task("stubborn", kStubborn), gate)));
    static_cast<void>(lambda.invoke("{}"));
    static_cast<void>(lambda.wait_for_log("stubborn waits"));
    static_cast<void>(check_quiet_end(lambda, kBudgetMs));
    CHECK(count_lines(lambda, R"("state":"expired")") == 1);
  }
}

TEST_CASE("a dead letter that does not answer costs no more than the budget, and is reported") {
  for (const char* mode : kModes) {
    CAPTURE(mode);
    const TempDir folder;
    const Gate gate(folder.file("gate"));
    const MutePeer peer;
    LocalLambda lambda(provided_function(
        with_dead_letter(shell_function(mode, shell_task("stubborn", kStubborn), gate), peer)));
    static_cast<void>(lambda.invoke("{}"));
    static_cast<void>(lambda.wait_for_log("stubborn waits"));
    static_cast<void>(check_quiet_end(lambda, kBudgetMs));
    CHECK(count_lines(lambda, R"("why":"dead letter: it did not answer in time")") == 1);
  }
}

TEST_CASE("everything hangs at once: runtime, extension, command and dead letter") {
  double least_ms = kBudgetMs;
  for (const char* mode : kModes) {
    CAPTURE(mode);
    const TempDir folder;
    const Gate gate(folder.file("gate"));
    const MutePeer peer;
    LocalLambda lambda(provided_function(
        with_dead_letter(shell_function(mode, shell_task("stubborn", kStubborn), gate), peer)));
    static_cast<void>(lambda.invoke(R"({"stubborn": true})"));
    static_cast<void>(lambda.wait_for_log("stubborn waits"));
    REQUIRE(::kill(process_of(lambda, "postlude-extens"), SIGSTOP) == 0);
    least_ms = std::min(least_ms, check_quiet_end(lambda, kBudgetMs));
  }
  // Once at least nobody else had the processor.
  CHECK(least_ms < kBudgetMs - kReserveMs);
}

TEST_CASE(
    "an extension that is killed behind SIGTERM: the end is as quick, and tells each task once") {
  for (const char* moment : {"before it heard of it", "while it hands over"}) {
    for (const char* mode : kModes) {
      CAPTURE(moment);
      CAPTURE(mode);
      const bool hands_over = std::string_view(moment) == "while it hands over";
      const TempDir folder;
      const Gate gate(folder.file("gate"));
      const MutePeer peer;
      FunctionSpec spec =
          with_dead_letter(shell_function(mode, shell_task("stubborn", kStubborn), gate), peer);
      spec.tasks = task_list({shell_task("stubborn", kStubborn), shell_task("quick", "true")});
      LocalLambda lambda(provided_function(spec));
      const InvokeResult result = lambda.invoke("{}");
      static_cast<void>(lambda.wait_for_log("stubborn waits"));
      const pid_t extension = process_of(lambda, "postlude-extens");
      if (!hands_over) {
        REQUIRE(::kill(extension, SIGSTOP) == 0);
      }
      std::jthread killer([&lambda, &peer, extension, hands_over] {
        static_cast<void>(lambda.wait_for_event({.name = "sigterm"}));
        if (hands_over) {
          peer.wait_for_connection();
        }
        static_cast<void>(::kill(extension, SIGKILL));
      });
      check_quiet_end(lambda, kBudgetMs);
      killer.join();
      CHECK(wait_until_dead(extension));
      for (const std::string name : {"stubborn", "quick"}) {
        const std::string told = fmt::format(R"("id":"{}/{}/1")", result.request_id(), name);
        CHECK_MESSAGE(count_lines(lambda, told) == 1, name);
        CHECK_MESSAGE(lambda.wait_for_log(told).find(R"("state":"carried")") == std::string::npos,
                      name);
      }
    }
  }
}

TEST_CASE("SIGTERM in the middle of the init ends it at once") {
  for (const bool whole_group : {true, false}) {
    CAPTURE(whole_group);
    const TempDir folder;
    const Gate init_gate(folder.file("init-gate"));
    LocalLambda lambda(node_function({.name = "waits_in_init",
                                      .tasks = task_list({shell_task("say", "echo task ran")}),
                                      .env = {{"INIT_GATE", init_gate.path()}}}));
    auto call = lambda.invoke_later("{}");
    static_cast<void>(lambda.wait_for_log("init waits"));
    const LambdaEvent ready = lambda.wait_for_event({.name = "extensionNext"});
    const pid_t shim = process_of(lambda, "postlude");
    REQUIRE(::kill(whole_group ? -shim : shim, SIGTERM) == 0);
    const LambdaEvent exited = lambda.wait_for_event({.name = "processExited"});
    CHECK(exited.text("how") == "signal: terminated");
    MESSAGE("the shim ended after ", exited.ms() - ready.ms(), " ms at most");
    CHECK(exited.ms() - ready.ms() < kBudgetMs);
    CHECK(lambda.wait_for_event({.name = "reset"}).text("leftovers") == "[]");
    CHECK(count_lines(lambda, "task ran") == 0);
  }
}

TEST_CASE("SIGTERM that comes again and again is handed on once") {
  for (const char* mode : kModes) {
    CAPTURE(mode);
    const TempDir folder;
    const Gate gate(folder.file("gate"));
    FunctionSpec spec = shell_function(mode, shell_task("stubborn", kStubborn), gate);
    const MutePeer peer;
    LocalLambda lambda(provided_function(with_dead_letter(spec, peer)));
    static_cast<void>(lambda.invoke("{}"));
    static_cast<void>(lambda.wait_for_log("stubborn waits"));
    const pid_t shim = process_of(lambda, "bootstrap");
    std::jthread repeats([&lambda, shim] {
      static_cast<void>(lambda.wait_for_event({.name = "sigterm"}));
      for (int count = 0; count < 3; ++count) {
        static_cast<void>(::kill(shim, SIGTERM));
      }
      static_cast<void>(lambda.wait_for_log("runtime got SIGTERM"));
      static_cast<void>(::kill(shim, SIGTERM));
    });
    static_cast<void>(check_quiet_end(lambda, kBudgetMs));
    CHECK(count_lines(lambda, "runtime got SIGTERM") == 1);
  }
}

TEST_CASE("beside an external extension there is less time, and it is kept to") {
  double least_ms = kBudgetBesideExternalMs;
  for (const char* mode : kModes) {
    CAPTURE(mode);
    const TempDir folder;
    const Gate gate(folder.file("gate"));
    fs::create_directories(folder.file("layer"));
    fs::copy(built_layer(), folder.file("layer"), fs::copy_options::recursive);
    fs::create_directories(folder.file("layer/extensions"));
    static_cast<void>(folder.write_program(
        "layer/extensions/outside",
        "#!/bin/sh\n"
        "api=http://$AWS_LAMBDA_RUNTIME_API/2020-01-01/extension\n"
        "id=$(curl -s -o /dev/null -D - -H 'Lambda-Extension-Name: outside' -d '{\"events\": "
        "[\"SHUTDOWN\"]}' $api/register | tr -d '\\r' | sed -n 's/^Lambda-Extension-Identifier: "
        "//Ip')\n"
        "curl -s -o /dev/null -H \"Lambda-Extension-Identifier: $id\" $api/event/next\n"));
    LambdaSetup setup =
        provided_function(shell_function(mode, shell_task("stubborn", kStubborn), gate));
    setup.layer_dir = folder.file("layer");
    LocalLambda lambda(setup);
    static_cast<void>(lambda.invoke(R"({"stubborn": true})"));
    static_cast<void>(lambda.wait_for_log("stubborn waits"));
    REQUIRE(::kill(process_of(lambda, "postlude-extens"), SIGSTOP) == 0);
    least_ms = std::min(least_ms, check_quiet_end(lambda, kBudgetBesideExternalMs));
  }
  CHECK(least_ms < kBudgetBesideExternalMs - kReserveMs);
}
