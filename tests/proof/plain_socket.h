#pragma once

#include "common/unique_fd.h"

#include <cstddef>
#include <string>
#include <string_view>

namespace postlude::testing {

/// A blocking TCP connection to a port of this machine, for the small processes of the proofs,
/// which have nothing else to do while they wait. No time limits: who waits here is ended by the
/// test. Every function tells a broken connection by its result.
class PlainSocket {
 public:
  /// `port` in decimal digits. Without a connection every write fails.
  [[nodiscard]] static PlainSocket connect(std::string_view port);

  [[nodiscard]] bool write(std::string_view bytes);
  /// Without its line end (LF, or CR LF); empty as well if the connection ends.
  [[nodiscard]] std::string read_line();
  /// Exactly so many bytes; fewer if the connection ends.
  [[nodiscard]] std::string read_bytes(std::size_t count);

 private:
  /// False at the end of the connection.
  [[nodiscard]] bool fill();

  UniqueFd fd_;
  std::string received_;
};

}  // namespace postlude::testing
