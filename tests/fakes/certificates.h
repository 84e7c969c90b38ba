#pragma once

#include <openssl/types.h>

#include <ctime>
#include <memory>
#include <string>
#include <vector>

namespace postlude::testing {

struct FreeKey {
  void operator()(EVP_PKEY* key) const;
};
struct FreeCertificate {
  void operator()(X509* certificate) const;
};

/// A certificate and its private key.
struct Credentials {
  std::unique_ptr<EVP_PKEY, FreeKey> key;
  std::unique_ptr<X509, FreeCertificate> certificate;

  [[nodiscard]] std::string certificate_pem() const;
};

/// What is to be certified. Times are seconds from now.
struct CertificateRequest {
  std::string common_name;
  std::vector<std::string> names = {};  ///< "DNS:localhost", "IP:127.0.0.1"
  std::time_t not_before = -3600;
  std::time_t not_after = 3600;
};

/// A self-signed certificate; of an authority if it has no names.
[[nodiscard]] Credentials self_signed(const CertificateRequest& request);

/// Signed by `authority`.
[[nodiscard]] Credentials signed_by(const Credentials& authority,
                                    const CertificateRequest& request);

}  // namespace postlude::testing
