#include "extension/run_command.h"

#include "common/spool.h"
#include "extension/command_spec.h"

#include <fmt/format.h>

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <utility>

namespace postlude::extension {
namespace {

/// After the leader's end (contract.md 4.1): long enough for output on its way, too short for a
/// daemon to hold the environment.
constexpr Millis kDrainTime = Millis(100);
constexpr std::size_t kReadBytes = std::size_t{64} << 10;
/// Pieces read in a row when the leader has ended; more than any pipe holds.
constexpr int kMostDrainReads = 32;

struct Pipe {
  UniqueFd read;
  UniqueFd write;
};

Result<Pipe> open_pipe() {
  std::array<int, 2> ends = {-1, -1};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
    return errno_failure("pipe for a command", "");
  }
  return Pipe{UniqueFd(ends[0]), UniqueFd(ends[1])};
}

/// Each end of a pipe is an open file of its own: the command's end stays blocking.
void never_block(int fd) {
  ::fcntl(fd, F_SETFL, O_NONBLOCK);
}

AttemptResult failed(std::string why) {
  return {AttemptResult::Kind::failed, std::move(why)};
}

}  // namespace

tl::expected<void, AttemptResult> RunCommand::start(ChildSpec spec,
                                                    TaskDocument document,
                                                    EventFile event,
                                                    Done done) {
  auto input = open_pipe();
  auto output = open_pipe();
  auto errors = open_pipe();
  if (!input || !output || !errors) {
    const auto& broken = !input ? input : !output ? output : errors;
    return tl::unexpected(failed(broken.error().message));
  }
  spec.standard_input = input->read.get();
  spec.standard_output = output->write.get();
  spec.standard_error = errors->write.get();
  const auto pid = start_child(spec);
  if (!pid) {
    // Too many processes now may be fewer soon; a broken program stays broken.
    const bool passing = pid.error().code == ErrorCode::would_block;
    return tl::unexpected(
        AttemptResult{passing ? AttemptResult::Kind::failed : AttemptResult::Kind::refused,
                      explain_start_failure(spec, pid.error())});
  }
  leader_ = *pid;
  done_ = std::move(done);
  place_.descendants.task_started(leader_, id_);
  never_block(input->write.get());
  feed_ = std::make_unique<DocumentFeed>(
      place_.loop, std::move(input->write), std::move(document), event);
  watch(streams_[0], std::move(output->read));
  watch(streams_[1], std::move(errors->read));
  return {};
}

void RunCommand::stop(Millis grace) {
  // One that has ended already has ended as it did, whether that was looked at or not.
  if (leader_ == 0 || status_ || stopped_ || peek(leader_)) {
    return;
  }
  stopped_ = true;
  signal_group(leader_, SIGTERM);
  timer_ = place_.loop.at(now() + grace, [this] {
    timer_.reset();
    signal_group(leader_, SIGKILL);
  });
}

void RunCommand::kill() {
  if (leader_ != 0) {
    done_ = nullptr;
    release_process();
  }
}

void RunCommand::child_changed() {
  if (leader_ == 0 || status_) {
    return;
  }
  status_ = peek(leader_);
  if (!status_) {
    return;
  }
  feed_->close();
  for (Stream& stream : streams_) {
    drain(stream);
  }
  if (timer_) {
    place_.loop.cancel(*timer_);
    timer_.reset();
  }
  if (stopped_) {
    finish();
    return;
  }
  finish_if_over();
  if (leader_ != 0) {
    timer_ = place_.loop.at(now() + kDrainTime, [this] {
      timer_.reset();
      finish();
    });
  }
}

void RunCommand::watch(Stream& stream, UniqueFd fd) {
  never_block(fd.get());
  stream.fd = std::move(fd);
  stream.lines = std::make_unique<OutputLines>(allowance_, [this](std::string_view line) {
    static_cast<void>(write_all(place_.output, line, "standard output"));
  });
  stream.slot = place_.loop.add(stream.fd.get(), POLLIN, [this, &stream](short /*revents*/) {
    read(stream);
    finish_if_over();
  });
}

void RunCommand::read(Stream& stream) {
  std::array<char, kReadBytes> buffer;
  const ssize_t size = ::read(stream.fd.get(), buffer.data(), buffer.size());
  if (size > 0) {
    stream.lines->add(std::string_view(buffer.data(), static_cast<std::size_t>(size)));
  } else if (size == 0 || (errno != EAGAIN && errno != EINTR)) {
    close(stream);
  }
}

/// What is there now.
void RunCommand::drain(Stream& stream) {
  for (int reads = 0; stream.fd && reads < kMostDrainReads; ++reads) {
    pollfd ready = {stream.fd.get(), POLLIN, 0};
    if (::poll(&ready, 1, 0) <= 0) {
      return;
    }
    read(stream);
  }
}

void RunCommand::close(Stream& stream) {
  if (stream.slot) {
    place_.loop.remove(*stream.slot);
    stream.slot.reset();
    stream.fd.reset();
    stream.lines->finish();
  }
}

void RunCommand::finish_if_over() {
  if (leader_ != 0 && status_ && !streams_[0].fd && !streams_[1].fd) {
    finish();
  }
}

void RunCommand::finish() {
  release_process();
  if (allowance_.withheld > 0) {
    place_.log.warn(fmt::format("{} bytes of output were not passed on: an attempt may write {}",
                                allowance_.withheld,
                                kMostOutputBytes),
                    {{}, id_});
  }
  if (const Done done = std::exchange(done_, nullptr)) {
    done(result());
  }
}

void RunCommand::release_process() {
  feed_->close();
  for (Stream& stream : streams_) {
    close(stream);
  }
  if (timer_) {
    place_.loop.cancel(*timer_);
    timer_.reset();
  }
  place_.descendants.task_ended(std::exchange(leader_, 0));
}

AttemptResult RunCommand::result() const {
  if (stopped_) {
    return {AttemptResult::Kind::stopped, ""};
  }
  return status_->success() ? AttemptResult{} : failed(describe(*status_));
}

}  // namespace postlude::extension
