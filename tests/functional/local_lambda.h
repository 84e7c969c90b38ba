#pragma once

#include "common/unique_fd.h"
#include "tests/functional/raw_client.h"

#include <nlohmann/json_fwd.hpp>

#include <sys/types.h>

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace postlude::testing {

/// How a story starts the emulator.
struct LambdaSetup {
  std::string function_dir{};  ///< empty: an empty folder of the fixture
  std::string layer_dir{};     ///< stands for /opt; empty: no layer
  std::string handler = "index.handler";
  /// A command line, or "provided". "sleep 1000" is a runtime that says nothing: the test itself
  /// can then be the runtime, over runtime_api().
  std::string runtime = "sleep 1000";
  std::vector<std::pair<std::string, std::string>> env{};
  /// Anything else of tests/emulator/README.md: {"--timeout", "2s", "--eager-init"}.
  std::vector<std::string> options{};
};

/// One line of the emulator's journal: tests/emulator/README.md lists names and members.
class LambdaEvent {
 public:
  explicit LambdaEvent(const std::string& line);
  [[nodiscard]] const std::string& name() const { return name_; }
  /// Milliseconds since 1970, with fraction: differences are durations.
  [[nodiscard]] double ms() const { return ms_; }
  /// A member's text (other JSON than strings as JSON); empty if it is missing.
  [[nodiscard]] std::string text(const std::string& member) const;
  /// A member's number; -1 if it is missing or none.
  [[nodiscard]] double number(const std::string& member) const;
  [[nodiscard]] const nlohmann::json& json() const { return *json_; }
  [[nodiscard]] const std::string& line() const { return line_; }

 private:
  std::shared_ptr<const nlohmann::json> json_;
  std::string line_;
  std::string name_;
  double ms_ = 0;
};

/// What to wait for. Empty members match anything.
struct EventMatch {
  std::string name{};
  std::string request_id{};
  std::vector<std::pair<std::string, std::string>> members{};  ///< compared as LambdaEvent::text
  std::size_t nth = 1;  ///< of all that match since the start, from 1
};

struct InvokeOptions {
  std::vector<std::pair<std::string, std::string>> headers{};  ///< {"X-Amz-Log-Type", "Tail"}
  std::string function = "function";                           ///< as it stands in the path
};

struct InvokeResult {
  RawResponse http;
  double started_ms = 0;   ///< before the request was sent
  double answered_ms = 0;  ///< the whole answer was read
  [[nodiscard]] const std::string& body() const { return http.body; }
  [[nodiscard]] int status() const { return http.status; }
  [[nodiscard]] std::string request_id() const;
  [[nodiscard]] std::string function_error() const;  ///< header, empty if none
  [[nodiscard]] std::string log_tail() const;        ///< decoded
  [[nodiscard]] double took_ms() const { return answered_ms - started_ms; }
};

/// The emulator as a running program, for one story: starts it, reads its journal and its log while
/// it runs, calls it, ends it. The thread that makes it must outlive it: the emulator ends with it.
/// What goes wrong throws std::runtime_error with journal and log in its text. Threads "events",
/// "log" and one a later call are owned here; all functions are thread-safe.
///
///   LocalLambda lambda({.runtime = "node index.js", .options = {"--timeout", "5s"}});
///   const auto result = lambda.invoke(R"({"x":1})");
///   lambda.wait_for_event({.name = "frozen", .request_id = result.request_id()});
class LocalLambda {
 public:
  /// Long, because a failing test is the only one that waits for it.
  static constexpr std::chrono::seconds kPatience{60};

  explicit LocalLambda(LambdaSetup setup);
  /// As stop(). Aborts the story if the emulator failed by itself (a sanitizer's report).
  ~LocalLambda();
  LocalLambda(const LocalLambda&) = delete;
  LocalLambda& operator=(const LocalLambda&) = delete;

  /// Invoke API, RequestResponse.
  InvokeResult invoke(const std::string& payload, const InvokeOptions& options = {});
  /// On a thread of the fixture: the future may be dropped.
  std::future<InvokeResult> invoke_later(const std::string& payload,
                                         const InvokeOptions& options = {});
  /// Function URL.
  InvokeResult url(const std::string& method,
                   const std::string& target,
                   const std::vector<std::pair<std::string, std::string>>& headers = {},
                   const std::string& body = {});
  std::future<InvokeResult> url_later(
      const std::string& method,
      const std::string& target,
      const std::vector<std::pair<std::string, std::string>>& headers = {},
      const std::string& body = {});

  /// "http://127.0.0.1:PORT"
  [[nodiscard]] const std::string& invoke_address() const { return invoke_address_; }
  [[nodiscard]] const std::string& url_address() const { return url_address_; }
  /// "127.0.0.1:PORT" of the newest environment, once its init began (waits for it): for tests that
  /// are the runtime themselves.
  [[nodiscard]] std::string runtime_api();

  /// A command of tests/emulator/README.md, "freeze?for=3s"; returns its answer when it is done.
  std::string control(const std::string& command, int environment = 1);
  [[nodiscard]] const std::string& control_address() const { return control_address_; }

  LambdaEvent wait_for_event(const EventMatch& match);
  /// Those that have come so far.
  [[nodiscard]] std::vector<LambdaEvent> events(const EventMatch& match = {}) const;
  /// The first log line that contains `part` (nth from 1), without line feed.
  std::string wait_for_log(const std::string& part, std::size_t nth = 1);
  [[nodiscard]] std::vector<std::string> log() const;

  [[nodiscard]] pid_t pid() const { return pid_; }
  /// SIGTERM, waits for the end; the log and the journal are complete then. The exit status, or 128
  /// and the signal.
  int stop();

  /// A folder of this fixture, removed with it.
  [[nodiscard]] const std::string& folder() const { return folder_; }

 private:
  void start(const LambdaSetup& setup);
  void read_lines(int fd, const std::function<void(std::string)>& take);
  [[nodiscard]] std::string story_so_far() const;
  [[nodiscard]] std::optional<LambdaEvent> find_locked(const EventMatch& match) const;
  std::future<InvokeResult> later(std::function<InvokeResult()> call);
  InvokeResult exchange(const std::string& address,
                        const std::function<void(RawClient&)>& send_request);

  std::string folder_;
  std::string invoke_address_;
  std::string url_address_;
  std::string control_address_;
  pid_t pid_ = -1;
  std::optional<int> exit_status_;
  UniqueFd log_pipe_;
  UniqueFd event_pipe_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<LambdaEvent> events_;
  std::vector<std::string> log_;
  std::jthread log_reader_;
  std::jthread event_reader_;
  std::vector<std::jthread> callers_;
};

}  // namespace postlude::testing
