#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace postlude::testing {

/// What an event of the benchmark asks of the runtime.
struct RuntimeWish {
  std::size_t answer = 0;  ///< bytes of the response
  std::size_t chunk = 0;   ///< streamed in chunks of so many bytes; 0: buffered
  std::size_t defer = 0;   ///< tasks handed over by the local API before the answer
};

/// JSON of about `bytes` bytes.
[[nodiscard]] std::string write_wish(const RuntimeWish& wish, std::size_t bytes);
[[nodiscard]] RuntimeWish read_wish(std::string_view event);

}  // namespace postlude::testing
