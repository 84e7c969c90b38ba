#include "tests/emulator/stream_answer.h"

#include "common/base64.h"
#include "tests/emulator/event_stream.h"

#include <poll.h>

#include <algorithm>
#include <utility>

namespace postlude::emulator {

StreamAnswer::StreamAnswer(std::shared_ptr<Invocation> invocation, Log log, Shaping shaping)
    : invocation_(std::move(invocation)), log_(log) {
  if (shaping == Shaping::on) {
    meter_.emplace(Bandwidth::Clock::now());
  }
}

bool StreamAnswer::send_payload(std::string_view bytes, const Send& send) {
  while (!bytes.empty()) {
    std::size_t size = std::min(bytes.size(), kMaxEventPayload);
    size = meter_ ? meter_->take(size, Bandwidth::Clock::now()) : size;
    if (size == 0) {
      ::poll(nullptr, 0, static_cast<int>(Bandwidth::kRefill.count()));
      continue;
    }
    if (!send(payload_chunk(bytes.substr(0, size)))) {
      return false;
    }
    bytes_ += size;
    bytes.remove_prefix(size);
  }
  return true;
}

std::string StreamAnswer::end_message(const std::optional<FunctionFailure>& failure) {
  InvokeEnd end;
  if (failure) {
    end.error_code = failure->error_type;
    end.error_details = failure->body;
  }
  if (log_ == Log::tail) {
    end.log_result = base64_encode(invocation_->wait_finished());
  }
  return invoke_complete(end);
}

const char* StreamAnswer::run(const Send& send) {
  Invocation::Piece last = Invocation::Piece::end;
  std::optional<FunctionFailure> failure;
  bool there = true;
  if (invocation_->wait_answer() == Invocation::Answer::whole) {
    const WholeResult result = invocation_->take_whole();
    failure = result.failure;
    there = failure || send_payload(result.body, send);
  } else {
    std::string bytes;
    while (there && (last = invocation_->read(bytes)) == Invocation::Piece::bytes) {
      there = send_payload(bytes, send);
    }
    failure = there ? invocation_->take_whole().failure : std::nullopt;
  }
  if (!there || !send(end_message(failure))) {
    invocation_->caller_left();  // the function is not interrupted
    return "callerLeft";
  }
  return last == Invocation::Piece::cut ? "cut" : "stream";
}

}  // namespace postlude::emulator
