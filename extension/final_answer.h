#pragma once

#include "common/http_framing.h"
#include "extension/http_call.h"

#include <string>
#include <string_view>

namespace postlude::extension {

/// 102, 103 and whatever announces another answer (RFC 9110, 15.2).
[[nodiscard]] bool is_interim_status(int status);

/// Reads what follows an interim answer: other interim ones perhaps, then the answer. cpp-httplib
/// knows 100 only, and takes what follows the others for a body without an end. Pure.
class FinalAnswer {
 public:
  /// The next bytes of the connection. False: it wants no more, because the answer is whole or is
  /// no HTTP.
  [[nodiscard]] bool add(std::string_view bytes);

  [[nodiscard]] bool whole() const { return whole_; }
  /// It is whole if the peer has properly ended the connection now.
  [[nodiscard]] bool ends_with_connection() const {
    return answer_.status != 0 && !broken_ && framing_.in_message() && framing_.may_close();
  }
  [[nodiscard]] const HttpAnswer& answer() const { return answer_; }

 private:
  void take(FramingEvent event, std::string_view bytes);
  void read_head(std::string_view bytes);

  HttpFraming framing_{MessageKind::response};
  std::string waiting_;  ///< of a head that is not whole: bounded by kMaxHeadBytes
  HttpAnswer answer_;
  bool whole_ = false;
  bool broken_ = false;
};

}  // namespace postlude::extension
