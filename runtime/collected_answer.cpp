#include "runtime/collected_answer.h"

#include "runtime/response_mode.h"

#include <utility>

namespace postlude::runtime {
namespace {

using Framing = StreamedResult::Framing;
using Verdict = ResultReading::Verdict;

constexpr std::string_view kHttpIntegration = "application/vnd.awslambda.http-integration-response";

}  // namespace

CollectedAnswer::CollectedAnswer(std::string_view head) : head_(head) {}

void CollectedAnswer::append(std::string_view payload) {
  if (stream_) {
    stream_->append(payload);
    return;
  }
  make_room(text_.size() + payload.size());
  text_.append(payload);
  if (text_.size() > kMaxBytes) {
    give_out({.verdict = claims_shape(text_) ? Verdict::malformed : Verdict::plain});
  }
}

/// Growing by doubling would hold a large result twice for a while. Address space is no memory
/// before it is written to.
void CollectedAnswer::make_room(std::size_t size) {
  constexpr std::size_t kSmall = std::size_t{64} << 10;
  constexpr std::size_t kBeyond = std::size_t{128} << 10;  // the block that crosses the limit
  if (size > text_.capacity() && size > kSmall) {
    text_.reserve(kMaxBytes + kBeyond);
  }
}

void CollectedAnswer::end() {
  if (!stream_) {
    give_out(read_result(text_));
  }
  stream_->end(trailers_);
}

void CollectedAnswer::give_out(ResultReading reading) {
  const HttpHead head(head_);
  const bool chunked = head.has_token("Transfer-Encoding", "chunked");
  Framing framing = Framing::chunked;
  std::string goes_up;
  switch (reading.verdict) {
    case Verdict::shaped:
      goes_up = streamed_head(head, kHttpIntegration);
      break;
    case Verdict::plain:
      goes_up = streamed_head(head, {});
      break;
    case Verdict::malformed:
      goes_up = unchanged_head(head);
      framing = chunked ? Framing::chunked : Framing::unframed;
  }
  head_ = std::move(goes_up);
  stream_ = std::make_unique<StreamedResult>(std::move(text_), std::move(reading), framing);
}

std::string_view CollectedAnswer::next() {
  if (!stream_) {
    return {};
  }
  const std::string_view piece = stream_->next();
  first_ = std::exchange(head_, {});
  return first_.empty() ? piece : std::string_view(first_.append(piece));
}

}  // namespace postlude::runtime
