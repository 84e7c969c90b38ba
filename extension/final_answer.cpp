#include "extension/final_answer.h"

#include "common/http_head.h"

#include <algorithm>

namespace postlude::extension {

bool is_interim_status(int status) {
  constexpr int kSwitchingProtocols = 101;  // nothing of HTTP follows
  return status / 100 == 1 && status != kSwitchingProtocols;
}

bool FinalAnswer::add(std::string_view bytes) {
  waiting_.append(bytes);
  std::string_view rest = waiting_;
  while (!whole_ && !broken_) {
    const FramingStep step = framing_.next(rest);
    if (step.event == FramingEvent::need_more) {
      break;
    }
    take(step.event, rest.substr(0, step.consumed));
    rest.remove_prefix(step.consumed);
  }
  waiting_.erase(0, waiting_.size() - rest.size());
  return !whole_ && !broken_;
}

void FinalAnswer::take(FramingEvent event, std::string_view bytes) {
  switch (event) {
    case FramingEvent::head:
      read_head(bytes);
      break;
    case FramingEvent::payload:
      answer_.body.append(bytes.substr(0, kMostAnswerBytes - answer_.body.size()));
      break;
    case FramingEvent::end:
      whole_ = answer_.status != 0;
      break;
    case FramingEvent::invalid:
      broken_ = true;
      break;
    case FramingEvent::framing:
    case FramingEvent::trailers:
    case FramingEvent::need_more:
      break;
  }
}

void FinalAnswer::read_head(std::string_view bytes) {
  const HttpHead head(bytes);
  if (is_interim_status(head.status())) {
    return;
  }
  answer_.status = head.status();
  broken_ = answer_.status < 200;
  FieldCursor fields(head.field_lines());
  for (auto field = fields.next(); field; field = fields.next()) {
    answer_.fields.emplace_back(field->name, field->value);
  }
}

}  // namespace postlude::extension
