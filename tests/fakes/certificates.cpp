#include "tests/fakes/certificates.h"

#include <doctest/doctest.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <random>

namespace postlude::testing {
namespace {

void add_extension(X509* certificate, int kind, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str());
  REQUIRE(extension != nullptr);
  REQUIRE(X509_add_ext(certificate, extension, -1) == 1);
  X509_EXTENSION_free(extension);
}

std::string joined(const std::vector<std::string>& names) {
  std::string result;
  for (const std::string& name : names) {
    result.append(result.empty() ? "" : ",").append(name);
  }
  return result;
}

Credentials unsigned_certificate(const CertificateRequest& request) {
  Credentials made;
  made.key.reset(EVP_EC_gen("P-256"));
  made.certificate.reset(X509_new());
  X509* certificate = made.certificate.get();
  REQUIRE(made.key);
  REQUIRE(certificate != nullptr);
  X509_set_version(certificate, 2);
  std::random_device random;
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), static_cast<long>(random() >> 1));
  X509_gmtime_adj(X509_getm_notBefore(certificate), request.not_before);
  X509_gmtime_adj(X509_getm_notAfter(certificate), request.not_after);
  X509_NAME* subject = X509_get_subject_name(certificate);
  X509_NAME_add_entry_by_NID(subject,
                             NID_commonName,
                             MBSTRING_UTF8,
                             // NOLINTNEXTLINE(*-reinterpret-cast): OpenSSL's text is unsigned
                             reinterpret_cast<const unsigned char*>(request.common_name.data()),
                             static_cast<int>(request.common_name.size()),
                             -1,
                             0);
  X509_set_pubkey(certificate, made.key.get());
  if (request.names.empty()) {
    add_extension(certificate, NID_basic_constraints, "critical,CA:TRUE");
  } else {
    add_extension(certificate, NID_subject_alt_name, joined(request.names));
  }
  return made;
}

}  // namespace

void FreeKey::operator()(EVP_PKEY* key) const {
  EVP_PKEY_free(key);
}

void FreeCertificate::operator()(X509* certificate) const {
  X509_free(certificate);
}

std::string Credentials::certificate_pem() const {
  BIO* text = BIO_new(BIO_s_mem());
  REQUIRE(PEM_write_bio_X509(text, certificate.get()) == 1);
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(text, &bytes);
  std::string result(bytes, static_cast<std::size_t>(size));
  BIO_free(text);
  return result;
}

Credentials self_signed(const CertificateRequest& request) {
  Credentials made = unsigned_certificate(request);
  X509* certificate = made.certificate.get();
  X509_set_issuer_name(certificate, X509_get_subject_name(certificate));
  REQUIRE(X509_sign(certificate, made.key.get(), EVP_sha256()) > 0);
  return made;
}

Credentials signed_by(const Credentials& authority, const CertificateRequest& request) {
  Credentials made = unsigned_certificate(request);
  X509_set_issuer_name(made.certificate.get(), X509_get_subject_name(authority.certificate.get()));
  REQUIRE(X509_sign(made.certificate.get(), authority.key.get(), EVP_sha256()) > 0);
  return made;
}

}  // namespace postlude::testing
