#include "tests/simulation/simulation.h"

#include "common/json_text.h"
#include "extension/conductor.h"
#include "runtime/shim.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <csignal>
#include <utility>

namespace postlude::simulation {
namespace {

Simulation* the_simulation = nullptr;

/// The longest schedules take a tenth of it.
constexpr int kMostSteps = 200000;
/// Of an extension, from where it hangs and is waited for.
constexpr Millis kHangEnded = kHangNoticed + Millis(1500);

ExitStatus run_shim(const runtime::Config& config) {
  auto signals = Signals::block({SIGTERM, SIGCHLD});
  auto shim = runtime::Shim::create(config, *signals);
  if (!shim) {
    World::current().violate("the shim cannot start: " + shim.error().message);
    return {ExitStatus::Kind::exited, 1};
  }
  (*shim)->start_extension(Environment());
  if (auto started = (*shim)->start_runtime({"/var/runtime/bootstrap"}, Environment()); !started) {
    return {ExitStatus::Kind::exited, 127};
  }
  return (*shim)->run();
}

ExitStatus run_extension(const std::string& link) {
  auto signals = Signals::block({SIGTERM, SIGCHLD});
  auto shim = PacketSocket::connect(link);
  if (!shim) {
    return {ExitStatus::Kind::exited, 1};
  }
  extension::Conductor conductor(std::move(*shim), std::move(*signals), Environment());
  const auto ended = conductor.run();
  return {ExitStatus::Kind::exited, ended ? 0 : 1};
}

}  // namespace

Simulation::Simulation(std::uint64_t seed, Telling telling)
    : world_(seed, telling),
      disk_({.placed = [this](const std::string& id) { ledger_.placed(id); },
             .removed = [this](const std::string& id) { ledger_.removed(id); },
             .wiped =
                 [this](const std::string& id) {
                   ledger_.wiped(id);
                   ledger_.excuse(id, "the function cleaned up");
                 }}),
      plan_(draw_plan(world_.chance(), disk_.root())),
      faults_(world_.chance().split()),
      platform_(plan_) {
  plan_.config.log_level = world_.tells() ? LogLevel::debug : LogLevel::error;
  if (plan_.read_only) {
    disk_.become(Disk::State::read_only);
  }
  the_simulation = this;
  watch_system_calls();
  world_.on_end([this](Process& process) { process_ended(process); });
}

Simulation::~Simulation() {
  world_.end_processes();
  the_simulation = nullptr;
}

Simulation& Simulation::current() {
  return *the_simulation;
}

bool Simulation::exists() {
  return the_simulation != nullptr;
}

std::string Simulation::run() {
  platform_.begin();
  while (world_.violation().empty() && !platform_.over()) {
    if (!world_.step()) {
      world_.violate("nothing happens any more, and the environment is not over");
    }
    check();
  }
  // What is left of the last generation comes to its end.
  while (world_.violation().empty() && (shim() != nullptr || extension() != nullptr)) {
    if (!world_.step()) {
      world_.violate("a process outlives the environment");
    }
    check();
  }
  if (world_.violation().empty()) {
    if (platform_.ended_in_order()) {
      ledger_.settle_all(disk_.records());
    } else {
      ledger_.settle(disk_.records());
    }
  }
  return world_.violation();
}

void Simulation::check() {
  if (++steps_ > kMostSteps) {
    world_.violate("the schedule does not end");
  }
  const Process* const process = extension();
  if (process != nullptr && hangs_unnoticed(*process)) {
    world_.violate("an extension that hangs is waited for, and nobody ends it");
  }
  if (world_.frozen() || !platform_.watches() || process == nullptr || process->dead() ||
      process->stopped() || process->generation() != platform_.generation()) {
    return;
  }
  constexpr Millis kCatchesUp{500};
  if (process->went_on() && world_.now() < *process->went_on() + kCatchesUp) {
    return;
  }
  if (const std::string id = work_.late(*process, world_.now()); !id.empty()) {
    world_.violate(fmt::format("task {} runs past the time of its invocation", id));
  }
}

/// Somebody waits for its word, once the runtime has asked for its next event.
bool Simulation::hangs_unnoticed(const Process& process) const {
  const auto asking = runtime_.asking_since();
  if (!process.stopped() || !asking || !runtime_.runs() || world_.frozen() ||
      !platform_.waits_for_extension()) {
    return false;
  }
  const EpochTime since = std::max({*process.stopped_since(), *asking, world_.thawed_at()});
  return world_.now() > since + kHangEnded;
}

Process* Simulation::shim() const {
  Process* const process = world_.find(shim_);
  return process == nullptr || process->status() ? nullptr : process;
}

Process* Simulation::extension() const {
  Process* const process = world_.find(extension_);
  return process == nullptr || process->status() ? nullptr : process;
}

void Simulation::start_shim(int generation) {
  shim_ = world_.new_pid();
  world_.start({.role = Process::Role::shim,
                .pid = shim_,
                .generation = generation,
                .starts = world_.now() + Millis(world_.chance().between(0, 10)),
                .program = [this] { return run_shim(plan_.config); }});
}

void Simulation::start_extension(pid_t pid, Process& shim, const ChildSpec& spec) {
  extension_ = pid;
  world_.start({.role = Process::Role::extension,
                .pid = pid,
                .generation = shim.generation(),
                .parent = &shim,
                .parent_death_signal = spec.parent_death_signal,
                .starts = world_.now() + Millis(world_.chance().between(0, 30)),
                .program = [link = spec.argv.back()] { return run_extension(link); }});
}

void Simulation::signal_shim(int number) {
  if (Process* const process = shim()) {
    process->signal(number);
  }
}

void Simulation::kill_shim(int generation) {
  if (Process* const process = shim(); process != nullptr && process->generation() == generation) {
    process->kill();
  }
}

void Simulation::kill_stopped() {
  for (const auto& process : world_.processes()) {
    if (process->stopped() && !process->status()) {
      process->kill();
    }
  }
}

void Simulation::relay_gone(const RelayEnd& relay) {
  if (relay_ == &relay) {
    relay_ = nullptr;
  }
}

void Simulation::process_ended(Process& process) {
  for (const auto& child : world_.processes()) {
    if (child->parent() == &process && !child->status()) {
      child->signal(child->parent_death_signal());
    }
  }
  if (process.role() == Process::Role::extension) {
    work_.owner_died(process);
    ledger_.process_died();
    for (const auto& [id, attempt] : disk_.running()) {
      ledger_.run_crashed(id, attempt);
    }
    platform_.extension_died();
    if (process.parent() != nullptr) {
      process.parent()->signal(SIGCHLD);
    }
    return;
  }
  ledger_.process_died();
  ledger_.excuse_expected();
  ledger_.excuse_given_up();
  disk_.forget_unplaced();
  runtime_.shim_died();
  platform_.shim_ended(*process.status());
}

void Simulation::log_line(std::string_view line) {
  if (!line.starts_with(R"({"postlude":"receipt")")) {
    world_.say("log {}", line.substr(0, line.size() - 1));
  } else if (world_.acts()) {
    ledger_.receipt(line.substr(0, line.size() - 1));
  }
}

void Simulation::packet_sent(std::string_view packet) {
  if (packet.find(R"("type":"settled")") != std::string_view::npos) {
    platform_.extension_settled();
  } else if (packet.find(R"("type":"registered")") != std::string_view::npos) {
    platform_.extension_known();
  }
}

void Simulation::promised(const std::string& body) {
  const auto parsed = parse_json(body);
  ledger_.promised(parsed->at("id").get<std::string>());
}

void Simulation::run_begins(const std::string& id, int attempt) {
  if (!world_.acts()) {
    return;
  }
  world_.say("attempt {} of {}", attempt, id);
  check_order(id);
  if (const Task* const definition = definition_of(id)) {
    ledger_.run_began(id, *definition, attempt);
  }
}

const Task* Simulation::definition_of(std::string_view id) const {
  const std::size_t name = id.find('/') + 1;
  const std::string_view task = id.substr(name, id.rfind('/') - name);
  const auto& tasks = plan_.config.tasks;
  const auto found = std::find_if(
      tasks.begin(), tasks.end(), [task](const Task& one) { return one.name == task; });
  return found == tasks.end() ? nullptr : &*found;
}

/// With a concurrency of 1 a task waits for all that were accepted before it, but for those that
/// are on their way to their dead letter.
void Simulation::check_order(const std::string& id) {
  if (plan_.config.concurrency != 1 || disk_.wiped()) {
    return;
  }
  const std::string earlier = disk_.earlier_than(id);
  const Task* const definition = definition_of(earlier);
  if (definition != nullptr && !definition->dead_letter) {
    world_.violate(fmt::format("task {} runs before {}, which was accepted earlier", id, earlier));
  }
}

bool Simulation::handler_taken(const std::string& event) {
  const auto parsed = parse_json(event);
  if (!parsed || !parsed->contains("postlude")) {
    return false;
  }
  handler_task_ = parsed->at("postlude").at("id").get<std::string>();
  run_begins(handler_task_, parsed->at("postlude").at("attempt").get<int>());
  return true;
}

void Simulation::handler_answered(bool success) {
  ledger_.run_ended(handler_task_, success);
}

EpochTime Simulation::end_of_work(EpochTime work_deadline) const {
  const auto deadline = platform_.deadline();
  if (!deadline || *deadline < work_deadline) {
    return world_.now() + std::chrono::hours(24);
  }
  return *deadline - (*deadline - work_deadline) / 4;
}

void Simulation::wipe_disk() {
  world_.say("fault: the function cleans /tmp");
  disk_.wipe();
  ledger_.folder_wiped();
}

void Simulation::calm_down() {
  faults_.cease();
  for (const auto& process : world_.processes()) {
    process->spare();
  }
  if (!plan_.read_only) {
    disk_.become(Disk::State::writable);
  }
}

void Simulation::environment_ends() {
  ledger_.excuse_expected();
}

void Simulation::check_released(bool driven) {
  ledger_.check_kept();
  if (const Process* const process = extension();
      process != nullptr && !driven && !process->dead() && work_.runs(*process)) {
    world_.violate("an attempt runs while the environment is released");
  }
}

}  // namespace postlude::simulation
