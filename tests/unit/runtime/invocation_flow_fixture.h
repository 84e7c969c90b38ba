#pragma once

#include "common/packet_socket.h"
#include "runtime/invocation_flow.h"
#include "tests/fakes/temp_dir.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace postlude::runtime {

using Lines = std::vector<std::string>;

inline Task command_task(std::string name, When when) {
  Task task;
  task.name = std::move(name);
  task.when = when;
  task.action = CommandAction{{"true"}, {}, std::nullopt};
  return task;
}

inline Config config_with(std::vector<Task> tasks) {
  Config config;
  config.tasks = std::move(tasks);
  config.concurrency = 4;
  config.deadline_margin = Millis(500);
  return config;
}

/// The flow with a real spool and a real link, whose far end is this test.
class Flow {
 public:
  /// `metrics`: where they are written; nothing: POSTLUDE_METRICS is off.
  explicit Flow(std::vector<Task> tasks,
                std::optional<std::string> dead_letter = std::nullopt,
                std::optional<int> metrics = std::nullopt)
      : config_(config_with(std::move(tasks))) {
    config_.dead_letter = std::move(dead_letter);
    connect();
    journal_.emplace(config_, spool_, link_, log_);
    flow_.emplace(
        loop_,
        *journal_,
        link_,
        log_,
        ReceiptWriter(
            metrics ? Log(*metrics, LogLevel::error) : log_, metrics.has_value(), "orders"));
    flow_->on({.resume_polls = [this] { ++resumed; },
               .settled = [this] { ++settled; },
               .began = [this](std::uint64_t) { ++began; },
               .over = [this] { ++over; },
               .lost = [this](const std::vector<std::string>& ids) { lost = ids; }});
    traffic = flow_->traffic();
    turn();
    CHECK(messages() == std::vector<std::string>{"hello"});
  }

  std::uint64_t deliver(const std::string& request_id,
                        const std::string& body = "{}",
                        Millis time = std::chrono::seconds(10)) {
    const std::string head = fmt::format(
        "HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: {}\r\n"
        "Lambda-Runtime-Deadline-Ms: {}\r\n\r\n",
        request_id,
        epoch_ms(now() + time));
    const std::uint64_t sequence = traffic.event_head(HttpHead(head));
    traffic.event_bytes(sequence, body);
    return sequence;
  }

  std::uint64_t begin(ExchangeKind kind, const std::string& request_id, std::string_view body) {
    const std::uint64_t sequence =
        traffic
            .answer_head({kind, request_id},
                         HttpHead("POST / HTTP/1.1\r\n"
                                  "Lambda-Runtime-Function-Error-Type: Function.Oops\r\n\r\n"))
            .sequence;
    if (sequence != 0) {
      traffic.answer_bytes(sequence, body);
      traffic.answer_sent(sequence);
    }
    return sequence;
  }

  void respond(const std::string& request_id, int status = 202) {
    if (const auto sequence = begin(ExchangeKind::response, request_id, R"("ok")")) {
      traffic.answer_acknowledged(sequence, status);
    }
  }

  void post_error(const std::string& request_id) {
    if (const auto sequence = begin(ExchangeKind::invocation_error, request_id, "{}")) {
      traffic.answer_acknowledged(sequence, 202);
    }
  }

  void ask_next() { traffic.poll_asked(ExchangeKind::next); }

  /// What reached the extension since the last call: types, with the task of records.
  std::vector<std::string> messages() {
    turn();
    std::vector<std::string> types;
    while (auto packet = peer_->receive().value()) {
      types.push_back(std::visit([this](const auto& message) { return this->noted(message); },
                                 decode(*packet).value()));
    }
    return types;
  }

  /// In the spool, where one is; fails the test otherwise.
  [[nodiscard]] TaskRecord only_record() const {
    const auto records = spool_->records().value();
    REQUIRE(records.size() == 1);
    return spool_->read_record(records.front()).value();
  }

  [[nodiscard]] std::string file(const std::string& name) const {
    const auto fd = spool_->open_capture(name);
    return fd ? read_all(fd->get(), 1000000, name).value() : "missing";
  }

  /// The loss of the link reaches the flow, as in the shim.
  void lose_with_flow() { flow_loses_ = true; }
  void kill_extension() { peer_.reset(); }

  /// Another process takes its place, as the shim does it; its first message is read already.
  void replace_extension(ExtensionState state = ExtensionState::taken_over) {
    kill_extension();
    turn();
    connect();
    flow_->extension_replaced(state);
    turn();
    const auto first = decode(peer_->receive().value().value()).value();
    CHECK(std::holds_alternative<Hello>(first));
  }

  InvocationFlow& flow() { return *flow_; }
  Spool& spool() { return *spool_; }
  TaskJournal& journal() { return *journal_; }
  /// An empty one that takes no more than so many bytes.
  void limit_spool(std::uint64_t bytes) {
    spool_ = Spool::create(folder_.path(), "small", bytes).value();
  }
  /// What a later process finds.
  [[nodiscard]] Spool next_generation() const {
    return Spool::create(folder_.path(), "stream").value();
  }
  /// Names of all files in the spool.
  [[nodiscard]] std::vector<std::string> spooled() const {
    std::vector<std::string> names;
    const auto entries = spool_files::list(spool_->folder());
    for (const auto& entry : *entries) {
      names.push_back(entry.name);
    }
    std::sort(names.begin(), names.end());
    return names;
  }
  void break_spool() { spool_ = fail(ErrorCode::no_space, "the disk is full"); }

  RelayTraffic traffic;
  TaskRecord last_record;
  Closed last_closed;
  Inspect last_inspect;
  int resumed = 0;
  int settled = 0;
  int began = 0;
  int over = 0;
  std::vector<std::string> lost;

  /// Runs timers until one of them has sent something, at most 30 s.
  void wait_for_messages() {
    const auto guard = loop_.at(now() + std::chrono::seconds(30), [this] { loop_.stop(); });
    const auto slot = loop_.add(peer_->fd(), POLLIN, [this](short) { loop_.stop(); });
    loop_.run();
    loop_.remove(slot);
    loop_.cancel(guard);
  }
  /// Runs timers for so long.
  void pass(Millis time) {
    loop_.at(now() + time, [this] { loop_.stop(); });
    loop_.run();
  }

  /// What after_round() put off.
  void finish_round() { turn(); }

 private:
  std::string noted(const Accepted& accepted) {
    last_record = spool_->read_record(parse_record_name(accepted.record).value()).value();
    return "accepted " + last_record.task.name + (accepted.at_once ? " at once" : "");
  }
  static std::string noted(const Dropped& dropped) {
    return "dropped " + dropped.name + ": " + dropped.why;
  }
  std::string noted(const Closed& closed) {
    last_closed = closed;
    return "closed";
  }
  static std::string noted(const HandlerEnded& ended) {
    return "ended " + ended.request_id + ": " + ended.trouble;
  }
  std::string noted(const Inspect& inspect) {
    last_inspect = inspect;
    return "inspect";
  }
  static std::string noted(const Hello& /*hello*/) { return "hello"; }
  static std::string noted(const Answered& /*answered*/) { return "answered"; }
  static std::string noted(const Idle& /*idle*/) { return "idle"; }
  template <class Other>
  static std::string noted(const Other& /*other*/) {
    return "other";
  }

  void connect() {
    CHECK(link_.listen(Hello{}).has_value());
    peer_.emplace(PacketSocket::connect(link_.name()).value());
  }

  void turn() {
    loop_.at(now(), [this] { loop_.stop(); });
    loop_.run();
    loop_.at(now(), [this] { loop_.stop(); });
    loop_.run();
  }

  postlude::testing::TempDir folder_;
  Config config_;
  Log log_{STDOUT_FILENO, LogLevel::error};
  EventLoop loop_;
  Result<Spool> spool_ = Spool::create(folder_.path(), "stream");
  ExtensionLink link_{loop_,
                      log_,
                      {.message = [](const Message&) {},
                       .lost =
                           [this] {
                             if (flow_loses_) {
                               flow_->extension_is(ExtensionState::unavailable);
                             }
                           },
                       .connected = [] {},
                       .sent = [] {}}};
  std::optional<PacketSocket> peer_;
  std::optional<TaskJournal> journal_;
  std::optional<InvocationFlow> flow_;
  bool flow_loses_ = false;
};

}  // namespace postlude::runtime
