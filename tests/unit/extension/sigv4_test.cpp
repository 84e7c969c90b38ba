#include "extension/sigv4.h"

#include "extension/digest.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace postlude::extension {
namespace {

/// 2015-08-30T12:36:00Z and 2013-05-24T00:00:00Z, of AWS's examples.
constexpr Millis::rep kSuiteTime = 1440938160000;
constexpr Millis::rep kS3Time = 1369353600000;
constexpr const char* kEmptyHash =
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

const AwsCredentials& suite_credentials() {
  static const AwsCredentials kCredentials{
      .access_key_id = "AKIDEXAMPLE",
      .secret_access_key = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
      .session_token = {}};
  return kCredentials;
}

HttpRequest suite_request(std::string method, std::string target, HttpFields fields = {}) {
  HttpRequest request;
  request.method = std::move(method);
  request.url = {
      .tls = true, .host = "example.amazonaws.com", .port = 443, .target = std::move(target)};
  request.fields = std::move(fields);
  return request;
}

std::string field(const HttpRequest& request, std::string_view name) {
  for (const auto& [key, value] : request.fields) {
    if (key == name) {
      return value;
    }
  }
  return {};
}

std::string authorization(HttpRequest request) {
  REQUIRE(sign(request,
               suite_credentials(),
               {.service = "service", .region = "us-east-1", .at = from_epoch_ms(kSuiteTime)}));
  return field(request, "Authorization");
}

std::string suite_authorization(std::string_view names, std::string_view signature) {
  return "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
         "SignedHeaders=" +
         std::string(names) + ", Signature=" + std::string(signature);
}

struct Vector {
  const char* name;
  HttpRequest request;
  const char* names;
  const char* signature;
};

constexpr const char* kBare = "host;x-amz-date";
constexpr const char* kVanilla = "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31";
constexpr const char* kPost = "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b";
constexpr const char* kOneParameter =
    "28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11";
constexpr const char* kUnreserved =
    "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

HttpRequest form(std::string type) {
  HttpRequest request = suite_request("POST", "/", {{"Content-Type", std::move(type)}});
  request.body = "Param1=value1";
  return request;
}

// AWS's Signature Version 4 test suite: names and signatures are its own.

std::vector<Vector> plain_requests_and_queries() {
  const std::string unreserved = kUnreserved;
  return {
      {"get-vanilla", suite_request("GET", "/"), kBare, kVanilla},
      {"get-vanilla-query", suite_request("GET", "/?"), kBare, kVanilla},
      {"get-vanilla-empty-query-key",
       suite_request("GET", "/?Param1=value1"),
       kBare,
       "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb"},
      {"get-vanilla-query-order-key-case",
       suite_request("GET", "/?Param2=value2&Param1=value1"),
       kBare,
       "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"},
      {"get-vanilla-query-order-key",
       suite_request("GET", "/?Param1=value2&Param1=Value1"),
       kBare,
       "eedbc4e291e521cf13422ffca22be7d2eb8146eecf653089df300a15b2382bd1"},
      {"get-vanilla-query-order-value",
       suite_request("GET", "/?Param1=value2&Param1=value1"),
       kBare,
       "5772eed61e12b33fae39ee5e7012498b51d56abc0abb7c60486157bd471c4694"},
      {"get-vanilla-query-unreserved",
       suite_request("GET", "/?" + unreserved + "=" + unreserved),
       kBare,
       "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197"},
      {"get-vanilla-utf8-query",
       suite_request("GET", "/?\u1234=bar"),
       kBare,
       "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04"},
      {"get-unreserved",
       suite_request("GET", "/" + unreserved),
       kBare,
       "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f"},
      {"get-utf8",
       suite_request("GET", "/\u1234"),
       kBare,
       "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85"},
  };
}

std::vector<Vector> fields() {
  return {
      {"get-header-key-duplicate",
       suite_request(
           "GET",
           "/",
           {{"My-Header1", "value2"}, {"My-Header1", "value2"}, {"My-Header1", "value1"}}),
       "host;my-header1;x-amz-date",
       "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea"},
      {"get-header-value-order",
       suite_request("GET",
                     "/",
                     {{"My-Header1", "value4"},
                      {"My-Header1", "value1"},
                      {"My-Header1", "value3"},
                      {"My-Header1", "value2"}}),
       "host;my-header1;x-amz-date",
       "08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01"},
      {"get-header-value-trim",
       suite_request("GET", "/", {{"My-Header1", " value1"}, {"My-Header2", " \"a   b   c\""}}),
       "host;my-header1;my-header2;x-amz-date",
       "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"},
      {"get-header-value-multiline",
       suite_request("GET", "/", {{"My-Header1", "value1\n  value2\n     value3"}}),
       "host;my-header1;x-amz-date",
       "cfd34249e4b1c8d6b91ef74165d41a32e5fab3306300901bb65a51a73575eefd"},
  };
}

std::vector<Vector> posts() {
  return {
      {"post-vanilla", suite_request("POST", "/"), kBare, kPost},
      {"post-header-key-case", suite_request("POST", "/"), kBare, kPost},
      {"post-sts-header-after", suite_request("POST", "/"), kBare, kPost},
      {"post-header-key-sort",
       suite_request("POST", "/", {{"My-Header1", "value1"}}),
       "host;my-header1;x-amz-date",
       "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c"},
      {"post-header-value-case",
       suite_request("POST", "/", {{"My-Header1", "VALUE1"}}),
       "host;my-header1;x-amz-date",
       "cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d"},
      {"post-vanilla-query", suite_request("POST", "/?Param1=value1"), kBare, kOneParameter},
      {"post-vanilla-query-nonunreserved",
       suite_request("POST", "/?@%23$%25^=&%2B=/,?><`\";:\\|][{}"),
       kBare,
       "66c82657c86e26fb25238d0e69f011edc4c6df5ae71119d7cb98ed9b87393c1e"},
      {"post-vanilla-query-space",
       suite_request("POST", "/?p"),
       kBare,
       "e71688addb58a26418614085fb730ba3faa623b461c17f48f2fbdb9361b94a9b"},
      {"post-x-www-form-urlencoded",
       form("application/x-www-form-urlencoded"),
       "content-type;host;x-amz-date",
       "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"},
      {"post-x-www-form-urlencoded-parameters",
       form("application/x-www-form-urlencoded; charset=utf8"),
       "content-type;host;x-amz-date",
       "1a72ec8f64bd914b0e42e42607c7fbce7fb2c7465f63e3092b3b0d39fa77a6fe"},
  };
}

std::vector<Vector> normalised_paths() {
  return {
      {"normalize-path get-relative", suite_request("GET", "/example/.."), kBare, kVanilla},
      {"normalize-path get-relative-relative",
       suite_request("GET", "/example1/example2/../.."),
       kBare,
       kVanilla},
      {"normalize-path get-slash", suite_request("GET", "//"), kBare, kVanilla},
      {"normalize-path get-slash-dot-slash", suite_request("GET", "/./"), kBare, kVanilla},
      {"normalize-path get-slashes",
       suite_request("GET", "//example//"),
       kBare,
       "9a624bd73a37c9a373b5312afbebe7a714a789de108f0bdfe846570885f57e84"},
      {"normalize-path get-slash-pointless-dot",
       suite_request("GET", "/./example"),
       kBare,
       "ef75d96142cf21edca26f06005da7988e4f8dc83a165a80865db7089db637ec5"},
      {"normalize-path get-space",
       suite_request("GET", "/example space/"),
       kBare,
       "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741"},
  };
}

}  // namespace

TEST_CASE("requests of AWS's test suite get its signatures") {
  std::size_t count = 0;
  for (const auto& vectors :
       {plain_requests_and_queries(), fields(), posts(), normalised_paths()}) {
    count += vectors.size();
    for (const Vector& vector : vectors) {
      CAPTURE(vector.name);
      CHECK(authorization(vector.request) == suite_authorization(vector.names, vector.signature));
    }
  }
  CHECK(count == 31);
}

TEST_CASE("a session token is signed with the other fields") {
  AwsCredentials credentials = suite_credentials();
  credentials.session_token =
      "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSP"
      "fIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT"
      "7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlz"
      "m8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA==";
  HttpRequest request = suite_request("POST", "/");
  REQUIRE(sign(request,
               credentials,
               {.service = "service", .region = "us-east-1", .at = from_epoch_ms(kSuiteTime)}));
  CHECK(field(request, "X-Amz-Security-Token") == credentials.session_token);
  CHECK(field(request, "Authorization") ==
        suite_authorization("host;x-amz-date;x-amz-security-token",
                            "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead"));
}

TEST_CASE("the examples of Amazon S3's documentation get its signatures") {
  const AwsCredentials credentials{.access_key_id = "AKIAIOSFODNN7EXAMPLE",
                                   .secret_access_key = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
                                   .session_token = {}};
  struct Example {
    const char* method;
    const char* target;
    HttpFields fields;
    const char* body;
    const char* signature;
  };
  const std::vector<Example> examples{
      {"GET",
       "/test.txt",
       {{"Range", "bytes=0-9"}},
       "",
       "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"},
      {"PUT",
       "/test%24file.text",
       {{"Date", "Fri, 24 May 2013 00:00:00 GMT"}, {"x-amz-storage-class", "REDUCED_REDUNDANCY"}},
       "Welcome to Amazon S3.",
       "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"},
      {"GET",
       "/?lifecycle",
       {},
       "",
       "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"},
      {"GET",
       "/?max-keys=2&prefix=J",
       {},
       "",
       "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"}};
  for (const Example& example : examples) {
    CAPTURE(example.target);
    HttpRequest request = suite_request(example.method, example.target, example.fields);
    request.url.host = "examplebucket.s3.amazonaws.com";
    request.body = example.body;
    REQUIRE(sign(request,
                 credentials,
                 {.service = "s3", .region = "us-east-1", .at = from_epoch_ms(kS3Time)}));
    const std::string signature = field(request, "Authorization");
    CHECK(signature.substr(signature.find("Signature=") + 10) == example.signature);
    CHECK(field(request, "x-amz-content-sha256").size() == 64);
  }
}

TEST_CASE("a path is encoded once more, but for S3") {
  const HttpRequest request = suite_request("GET", "/a%20b//c/../d?x=1+2&x=%7e");
  CHECK(canonical_request(request, "lambda", kEmptyHash)
            .starts_with("GET\n/a%2520b/d\nx=1%202&x=~\n"));
  CHECK(canonical_request(request, "s3", kEmptyHash)
            .starts_with("GET\n/a%20b//c/../d\nx=1%202&x=~\n"));
}

TEST_CASE("what stations on the way change is not signed") {
  const HttpRequest plain = suite_request("GET", "/");
  const HttpRequest traced = suite_request(
      "GET",
      "/",
      {{"X-Amzn-Trace-Id", "Root=1-2"}, {"User-Agent", "postlude"}, {"Connection", "close"}});
  CHECK(authorization(plain) == authorization(traced));
}

TEST_CASE("the host is signed with a port that is not the scheme's own") {
  CHECK(host_field({.tls = true, .host = "a.example", .port = 443, .target = "/"}) == "a.example");
  CHECK(host_field({.tls = false, .host = "a.example", .port = 443, .target = "/"}) ==
        "a.example:443");
  CHECK(host_field({.tls = false, .host = "::1", .port = 8000, .target = "/"}) == "[::1]:8000");
}

TEST_CASE("dates are written with all their digits") {
  CHECK(amz_date(from_epoch_ms(kSuiteTime)) == "20150830T123600Z");
  CHECK(amz_date(from_epoch_ms(999)) == "19700101T000000Z");
  CHECK(amz_date(from_epoch_ms(1709254799999)) == "20240301T005959Z");
}

}  // namespace postlude::extension
