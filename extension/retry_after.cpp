#include "extension/retry_after.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <ctime>
#include <string>

namespace postlude::extension {
namespace {

std::string_view trim(std::string_view text) {
  constexpr std::string_view kBlank = " \t";
  const std::size_t first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) {
    return {};
  }
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

std::optional<Millis> parse_seconds(std::string_view digits) {
  constexpr Millis::rep kMostSeconds = kMostRetryAfter / std::chrono::seconds(1);
  Millis::rep seconds = 0;
  const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), seconds);
  if (read.ptr != digits.data() + digits.size() || read.ec == std::errc::invalid_argument ||
      digits.front() == '-') {
    return std::nullopt;
  }
  const bool absurd = read.ec == std::errc::result_out_of_range || seconds > kMostSeconds;
  return std::chrono::seconds(absurd ? kMostSeconds : seconds);
}

std::optional<EpochTime> parse_date(const std::string& text) {
  // The program keeps the "C" locale, so that names of days and months are English.
  constexpr auto kForms = std::to_array<const char*>({
      "%a, %d %b %Y %H:%M:%S GMT",
      "%A, %d-%b-%y %H:%M:%S GMT",
      "%a %b %e %H:%M:%S %Y",
  });
  for (const char* form : kForms) {
    std::tm date = {};
    const char* end = ::strptime(text.c_str(), form, &date);
    if (end != nullptr && *end == '\0') {
      return EpochTime(std::chrono::seconds(::timegm(&date)));
    }
  }
  return std::nullopt;
}

}  // namespace

std::optional<Millis> parse_retry_after(std::string_view value, EpochTime at) {
  const std::string_view text = trim(value);
  if (text.empty()) {
    return std::nullopt;
  }
  if (const auto seconds = parse_seconds(text)) {
    return seconds;
  }
  if (const auto date = parse_date(std::string(text))) {
    return std::min(remaining(*date, at), kMostRetryAfter);
  }
  return std::nullopt;
}

}  // namespace postlude::extension
