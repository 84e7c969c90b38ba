#include "common/durations.h"

#include <array>
#include <charconv>

namespace postlude {
namespace {

struct Unit {
  std::string_view suffix;
  std::uint64_t factor;
};

constexpr std::array<Unit, 3> kTimeUnits{{{"ms", 1}, {"s", 1000}, {"m", 60'000}}};
constexpr std::array<Unit, 3> kSizeUnits{{{"KiB", std::uint64_t{1} << 10},
                                          {"MiB", std::uint64_t{1} << 20},
                                          {"GiB", std::uint64_t{1} << 30}}};

/// Digits followed by one of the units, nothing else; `largest` bounds the result.
template <std::size_t kCount>
std::optional<std::uint64_t> parse_amount(std::string_view text,
                                          const std::array<Unit, kCount>& units,
                                          std::uint64_t largest) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc()) {
    return std::nullopt;
  }
  const std::string_view suffix = text.substr(static_cast<std::size_t>(end - text.data()));
  for (const Unit& unit : units) {
    if (unit.suffix == suffix && number <= largest / unit.factor) {
      return number * unit.factor;
    }
  }
  return std::nullopt;
}

}  // namespace

std::optional<Millis> parse_duration(std::string_view text) {
  const auto count =
      parse_amount(text, kTimeUnits, static_cast<std::uint64_t>(kMaxDuration.count()));
  if (!count || *count < static_cast<std::uint64_t>(kMinDuration.count())) {
    return std::nullopt;
  }
  return Millis(static_cast<Millis::rep>(*count));
}

std::optional<std::uint64_t> parse_size(std::string_view text) {
  constexpr std::uint64_t kLargest = std::uint64_t{1} << 62;
  const auto bytes = parse_amount(text, kSizeUnits, kLargest);
  return bytes && *bytes > 0 ? bytes : std::nullopt;
}

}  // namespace postlude
