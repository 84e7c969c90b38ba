#pragma once

#include <cstdint>
#include <cstdlib>
#include <string_view>

namespace postlude::testing {

/// A finding: the fuzzer keeps the input and tells where.
inline void require(bool holds) {
  if (!holds) {
    std::abort();
  }
}

inline std::string_view text_of(const std::uint8_t* data, std::size_t size) {
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): bytes seen as text
  return {reinterpret_cast<const char*>(data), size};
}

}  // namespace postlude::testing
