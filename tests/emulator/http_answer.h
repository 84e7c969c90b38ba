#pragma once

#include "tests/emulator/refusal.h"

#include <string>
#include <utility>
#include <vector>

namespace postlude::emulator {

/// A whole HTTP/1.1 answer of ours.
struct HttpAnswer {
  int status = 200;
  std::string content_type = "application/json";
  std::vector<std::pair<std::string, std::string>> headers{};
  std::string body{};
};

enum class BodyFraming { length, chunked, none };

/// Start line and fields with Date, Content-Type (unless empty) and the framing's field, up to the
/// empty line. With BodyFraming::none the caller's headers say how long the body is.
[[nodiscard]] std::string answer_head(const HttpAnswer& answer, BodyFraming framing);
/// Head and body with Content-Length.
[[nodiscard]] std::string whole_answer(const HttpAnswer& answer);

[[nodiscard]] HttpAnswer refusal_answer(const Refusal& refusal);
/// 202 {"status":"OK"}
[[nodiscard]] HttpAnswer accepted();
[[nodiscard]] HttpAnswer not_found();

/// One chunk of a chunked body; empty bytes make none.
[[nodiscard]] std::string chunk_of(std::string_view bytes);

}  // namespace postlude::emulator
