#include "extension/ca_bundle.h"

#include <doctest/doctest.h>

namespace postlude::extension {
namespace {

Environment with_cert_file(std::string_view value) {
  Environment result;
  result.set("SSL_CERT_FILE", value);
  return result;
}

}  // namespace

TEST_CASE("SSL_CERT_FILE chooses the bundle, also one that does not exist") {
  CHECK(find_ca_bundle(with_cert_file("/no/such/bundle.pem")) == "/no/such/bundle.pem");
}

TEST_CASE("without SSL_CERT_FILE, or with an empty one, the system's own bundle is taken") {
  CHECK(find_ca_bundle(Environment()) == system_ca_bundle());
  CHECK(find_ca_bundle(with_cert_file("")) == system_ca_bundle());
}

}  // namespace postlude::extension
