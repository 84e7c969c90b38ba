#include "tests/simulation/plan.h"

#include <fmt/format.h>

#include <array>

namespace postlude::simulation {
namespace {

constexpr std::string_view kArn = "arn:aws:sqs:eu-west-1:123456789012:dead";

Action draw_action(Chance& chance) {
  switch (chance.below(4)) {
    case 0:
      return CommandAction{.argv = {"/bin/work"}, .env = {}, .cwd = {}};
    case 1:  // with a template: it is prepared on a worker
      return CommandAction{.argv = {"/bin/work", "${context.id}"}, .env = {}, .cwd = {}};
    case 2:
      return HandlerAction{};
    default:
      return HttpAction{.method = "POST",
                        .url = "https://example.com/",
                        .headers = {},
                        .json = {},
                        .body = {},
                        .allow_hosts = {}};
  }
}

When draw_when(Chance& chance) {
  const auto kind = chance.below(10);
  if (kind < 5) {
    return When::success;
  }
  if (kind < 7) {
    return When::failure;
  }
  return kind < 9 ? When::always : When::timeout;
}

Task draw_task(Chance& chance, std::string name) {
  constexpr std::array<int, 5> kTimeouts = {50, 300, 1000, 5000, 30000};
  Task task;
  task.name = std::move(name);
  task.when = draw_when(chance);
  task.timeout = Millis(chance.pick(kTimeouts));
  task.attempts = chance.between(1, 3);
  task.backoff = Millis(chance.between(1, 600));
  task.replay = chance.percent(80);
  if (chance.percent(35)) {
    task.dead_letter = std::string(kArn);
  }
  task.action = draw_action(chance);
  return task;
}

}  // namespace

const std::string& Plan::demand_task(Chance& chance) const {
  std::vector<const std::string*> names;
  for (const Task& task : config.tasks) {
    if (task.trigger == Trigger::demand) {
      names.push_back(&task.name);
    }
  }
  return *chance.pick(names);
}

Plan draw_plan(Chance& chance, const std::string& root) {
  Plan plan;
  runtime::Config& config = plan.config;
  config.runtime_api = "127.0.0.1:9001";
  config.task_root = "/";
  config.handler = "index.handler";
  config.log_stream_name = "2026/01/01/[$LATEST]simulated";
  config.concurrency = chance.percent(30) ? 1 : chance.between(2, 4);
  config.deadline_margin = Millis(chance.percent(70) ? 500 : chance.between(250, 2000));
  config.spool_limit = std::uint64_t{64} << 20;
  if (chance.percent(10)) {
    config.hold_limit = Millis(chance.between(50, 3000));
  }
  if (chance.percent(20)) {
    config.dead_letter = std::string(kArn);
  }
  config.spool_dir = root + "/spool";
  const int configured = chance.percent(10) ? 0 : chance.between(0, 3);
  for (int number = 0; number < configured; ++number) {
    config.tasks.push_back(draw_task(chance, fmt::format("t{}", number)));
  }
  for (int number = 0; number < 2; ++number) {
    Task task = draw_task(chance, fmt::format("d{}", number));
    task.trigger = Trigger::demand;
    task.when = When::always;
    config.tasks.push_back(std::move(task));
  }
  for (Task& task : config.tasks) {
    if (!task.dead_letter) {
      task.dead_letter = config.dead_letter;
    }
  }
  plan.invocations = chance.percent(12) ? chance.between(5, 8) : chance.between(1, 4);
  if (chance.percent(15)) {
    plan.stubborn = chance.pick(config.tasks).name;
  }
  plan.defers = chance.percent(60);
  plan.read_only = chance.percent(4);
  plan.vanishes = chance.percent(10);
  return plan;
}

}  // namespace postlude::simulation
