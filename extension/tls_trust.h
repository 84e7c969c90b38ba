#pragma once

#include "common/error.h"
#include "common/mutex.h"
#include "common/url.h"

#include <openssl/types.h>

#include <memory>
#include <string>

namespace postlude::extension {

/// The authorities that TLS peers are verified with: loaded once, at the first TLS call (parsing a
/// bundle takes 10 ms and more), and shared by all connections. Nothing of OpenSSL is touched
/// before. For any number of threads.
class TlsTrust {
 public:
  /// `file`: a CA bundle; empty: system_ca_bundle(), looked for when it is needed.
  explicit TlsTrust(std::string file) : file_(std::move(file)) {}

  /// The bundle in use; for messages.
  [[nodiscard]] std::string file();

  /// Makes a context verify chain and host name of its peer during the handshake. Why a peer was
  /// turned down is left in `verify_error` (an X509_V_ERR_...), which must outlive the context.
  [[nodiscard]] Result<void> verify_peer(SSL_CTX* context, const Url& peer, int* verify_error);

 private:
  [[nodiscard]] Result<X509_STORE*> store();

  struct FreeStore {
    void operator()(X509_STORE* store) const;
  };

  Mutex mutex_;
  std::string file_ POSTLUDE_GUARDED_BY(mutex_);
  std::unique_ptr<X509_STORE, FreeStore> store_ POSTLUDE_GUARDED_BY(mutex_);
};

/// OpenSSL without configuration files of the host, which could name libraries to load. Before any
/// other use of OpenSSL; again costs nothing.
void initialise_tls();

/// "certificate of localhost:8443 does not match its name"
[[nodiscard]] std::string explain_certificate(int verify_error,
                                              const Url& peer,
                                              const std::string& bundle);

}  // namespace postlude::extension
