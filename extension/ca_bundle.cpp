#include "extension/ca_bundle.h"

#include <unistd.h>

#include <algorithm>
#include <array>

namespace postlude::extension {
namespace {

// Amazon Linux 2023 and 2 (as Fedora), Debian (also in Alpine), the older link of Amazon Linux.
constexpr auto kPlaces = std::to_array<const char*>({
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
});

}  // namespace

std::string find_ca_bundle(const Environment& environment) {
  const std::string_view chosen = environment.get_or("SSL_CERT_FILE", "");
  return chosen.empty() ? system_ca_bundle() : std::string(chosen);
}

std::string system_ca_bundle() {
  const auto* found = std::find_if(
      kPlaces.begin(), kPlaces.end(), [](const char* place) { return ::access(place, R_OK) == 0; });
  return found == kPlaces.end() ? std::string{} : std::string(*found);
}

}  // namespace postlude::extension
