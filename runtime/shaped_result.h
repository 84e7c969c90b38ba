#pragma once

#include "runtime/body_decoder.h"

#include <cstddef>
#include <string>
#include <string_view>

namespace postlude::runtime {

/// What a buffered result is to a caller that gets a stream (lambda-protocol.md 6.3).
struct ResultReading {
  enum class Verdict {
    shaped,     ///< {statusCode, headers, multiValueHeaders, cookies, body, isBase64Encoded}
    plain,      ///< anything else, JSON or not
    malformed,  ///< it has a statusCode, but the platform could not make an answer of it
  };
  Verdict verdict = Verdict::plain;
  // Of a shaped one:
  std::string prelude = {};  ///< JSON and eight NUL bytes (lambda-protocol.md 1.4)
  std::size_t body_at = 0;   ///< in the text, behind the quote; empty where there is no body
  std::size_t body_size = 0;
  BodyDecoder::Form form = BodyDecoder::Form::text;
};

/// Reads a result in one pass, without building anything but the prelude; a base64 body, and one
/// with Unicode escapes, is gone through once more to see that it can be decoded.
///
/// Of members that occur twice the last counts; null counts as absent; members beside the six are
/// ignored, as HTTP APIs do. A statusCode is a whole number from 100 to 599, or a string of its
/// three digits (both taken by API Gateway). Header values may be numbers and booleans and become
/// strings; those that are null are left out. The body is a string: others are refused by REST
/// APIs. Pure.
[[nodiscard]] ResultReading read_result(std::string_view text);

/// The beginning of a result shows a statusCode: all of it may be a shaped one.
[[nodiscard]] bool claims_shape(std::string_view beginning);

}  // namespace postlude::runtime
