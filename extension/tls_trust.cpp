#include "extension/tls_trust.h"

#include "common/ip_address.h"
#include "extension/ca_bundle.h"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <unistd.h>

namespace postlude::extension {
namespace {

/// Verifies as OpenSSL does by itself; it only notes the reason, which the handshake forgets.
int verify_and_note(X509_STORE_CTX* chain, void* verify_error) {
  const int good = X509_verify_cert(chain);
  *static_cast<int*>(verify_error) = X509_STORE_CTX_get_error(chain);
  return good;
}

}  // namespace

void initialise_tls() {
  static_cast<void>(OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG, nullptr));
}

void TlsTrust::FreeStore::operator()(X509_STORE* store) const {
  X509_STORE_free(store);
}

std::string TlsTrust::file() {
  const Lock lock(mutex_);
  return file_;
}

Result<X509_STORE*> TlsTrust::store() {
  const Lock lock(mutex_);
  if (store_) {
    return store_.get();
  }
  if (file_.empty()) {
    file_ = system_ca_bundle();
  }
  if (file_.empty()) {
    return fail("no CA certificates where Amazon Linux and Debian keep them, set SSL_CERT_FILE");
  }
  if (::access(file_.c_str(), R_OK) != 0) {
    return errno_failure("read CA certificates from", file_);
  }
  std::unique_ptr<X509_STORE, FreeStore> loaded(X509_STORE_new());
  if (!loaded || X509_STORE_load_file(loaded.get(), file_.c_str()) != 1) {
    ERR_clear_error();
    return fail(fmt::format("{} holds no CA certificates in PEM", file_));
  }
  store_ = std::move(loaded);
  return store_.get();
}

Result<void> TlsTrust::verify_peer(SSL_CTX* context, const Url& peer, int* verify_error) {
  auto trusted = store();
  if (!trusted) {
    return tl::unexpected(std::move(trusted.error()));
  }
  *verify_error = X509_V_OK;
  SSL_CTX_set1_cert_store(context, *trusted);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_cert_verify_callback(context, &verify_and_note, verify_error);
  X509_VERIFY_PARAM* wanted = SSL_CTX_get0_param(context);
  // As RFC 9525 has it, and Python and Go: the common name is no host name.
  X509_VERIFY_PARAM_set_hostflags(
      wanted, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
  const auto address = parse_ip_spelling(peer.host);
  const int set = address ? X509_VERIFY_PARAM_set1_ip_asc(wanted, address->text().c_str())
                          : X509_VERIFY_PARAM_set1_host(wanted, peer.host.data(), peer.host.size());
  if (set != 1) {
    ERR_clear_error();
    return fail(fmt::format("{} is no name that a certificate could have", peer.host));
  }
  return {};
}

std::string explain_certificate(int verify_error, const Url& peer, const std::string& bundle) {
  const std::string whose = fmt::format("certificate of {}", peer.endpoint());
  switch (verify_error) {
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return whose + " does not match its name";
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return whose + " has expired";
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return whose + " is not valid yet";
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
      return fmt::format("{} is not signed by an authority in {}", whose, bundle);
    default:
      return fmt::format("{} is not valid: {}", whose, X509_verify_cert_error_string(verify_error));
  }
}

}  // namespace postlude::extension
