#include "common/url.h"

#include <doctest/doctest.h>

#include <string>

namespace postlude {
namespace {

std::string why(std::string_view text) {
  const auto url = parse_url(text);
  return url ? "taken, host " + url->host : url.error().message;
}

}  // namespace

TEST_CASE("a URL falls into scheme, host, port and target") {
  const auto url = parse_url("https://Hooks.Slack.com/services/T0?a=b&c=%2F");
  REQUIRE(url);
  CHECK(url->tls);
  CHECK(url->host == "hooks.slack.com");
  CHECK(url->port == 443);
  CHECK(url->target == "/services/T0?a=b&c=%2F");
  CHECK(url->authority() == "hooks.slack.com");
  CHECK(url->endpoint() == "hooks.slack.com:443");
}

TEST_CASE("a port is part of the authority unless it is the scheme's own") {
  CHECK(parse_url("http://a:8080/")->authority() == "a:8080");
  CHECK(parse_url("http://a:80/")->authority() == "a");
  CHECK(parse_url("http://a:443/")->authority() == "a:443");
  CHECK(parse_url("HTTPS://a:443/")->authority() == "a");
}

TEST_CASE("an empty path is a slash, also before a query") {
  CHECK(parse_url("https://a")->target == "/");
  CHECK(parse_url("https://a?x=1")->target == "/?x=1");
}

TEST_CASE("an IPv6 address stands in brackets, which are no part of it") {
  const auto url = parse_url("http://[FD00::1]:8080/x");
  REQUIRE(url);
  CHECK(url->host == "fd00::1");
  CHECK(url->port == 8080);
  CHECK(url->authority() == "[fd00::1]:8080");
  CHECK(parse_url("https://[::1]")->authority() == "[::1]");
}

TEST_CASE("every byte of a query is kept as it was given") {
  constexpr std::string_view kTarget = "/a%2fb/%7E?sig=abc/def+gh,i&&=x&k&k=;%41";
  CHECK(parse_url("https://a" + std::string(kTarget))->target == kTarget);
}

TEST_CASE("what is no absolute http URL is refused") {
  for (const char* text : {"",
                           "a",
                           "/path",
                           "//a/path",
                           "ftp://a/",
                           "file:///etc/passwd",
                           "http:/a",
                           "http:a",
                           "javascript:alert(1)",
                           " https://a",
                           "xhttp://a"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_url(text));
  }
  CHECK(why("gopher://a/") == "the URL does not begin with http:// or https://");
}

TEST_CASE("user names, fragments, spaces and control characters are refused with the reason") {
  CHECK(why("https://hooks.slack.com@evil.com/") ==
        "the URL has a user name; send credentials in a header");
  CHECK(why("https://user:pass@a/") == "the URL has a user name; send credentials in a header");
  CHECK(why("https://a/#top") == "the URL has a fragment (#), which is never sent");
  CHECK(why("https://a#@evil.com/") == "the URL has a fragment (#), which is never sent");
  CHECK(why("https://a/b c") == "the URL has a space");
  CHECK(why("https://a/\r\nX: y") == "the URL has a control character");
  CHECK(why(std::string_view("https://a\0.evil.com/", 20)) == "the URL has a control character");
  CHECK(why("https://a/\x7f") == "the URL has a control character");
  CHECK(why("https://a/\xc3\xa9") == "the URL has a character beyond ASCII that is not encoded");
  CHECK(why("https://a\\@evil.com/") == "the URL has a backslash");
  CHECK(why("https:\\\\a/") == "the URL has a backslash");
}

TEST_CASE("hosts that two readers could read differently are refused") {
  for (const char* text :
       {"https:///path",   "https://?x",          "https://:443/",      "https://.a/",
        "https://a..b/",   "https://a./",         "https://a%2eb/",     "https://a%00b/",
        "https://a,b/",    "https://a*b/",        "https://1.2.3.4.5/", "https://1.2.3.256/",
        "https://0x7g/",   "https://127.0.0.09/", "https://0x/",        "https://[::1/",
        "https://[::1]x/", "https://[]/",         "https://[1.2.3.4]/", "https://[fe80::1%25eth0]/",
        "https://[::1]:/", "https://::1/",        "https://a:b:80/"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_url(text));
  }
}

TEST_CASE("addresses in unusual spellings are hosts, whatever allowHosts says of them later") {
  for (const char* text : {"https://2130706433/",
                           "https://0x7f.1/",
                           "https://017700000001/",
                           "https://127.1/",
                           "https://127.0.0.1/"}) {
    CAPTURE(text);
    CHECK(parse_url(text));
  }
}

TEST_CASE("ports that are none are refused") {
  for (const char* text : {"http://a:/",
                           "http://a:0/",
                           "http://a:65536/",
                           "http://a:-1/",
                           "http://a:8o/",
                           "http://a:80:80/",
                           "http://a: 80/",
                           "http://a:0x50/"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_url(text));
  }
}

TEST_CASE("a percent sign without two hexadecimal digits is refused") {
  CHECK(why("https://a/%") == "the URL has a % without two hexadecimal digits");
  CHECK(why("https://a/%4") == "the URL has a % without two hexadecimal digits");
  CHECK(why("https://a/%zz") == "the URL has a % without two hexadecimal digits");
  CHECK(parse_url("https://a/%4a"));
}

TEST_CASE("a URL that is too long is refused") {
  const std::string base = "https://a/";
  CHECK(parse_url(base + std::string(65536 - base.size(), 'x')));
  CHECK_FALSE(parse_url(base + std::string(65537 - base.size(), 'x')));
  CHECK_FALSE(parse_url("https://" + std::string(254, 'a') + "/"));
}

TEST_CASE("the reason never quotes the URL, which may hold secrets") {
  for (const char* text : {"https://u:secret@a/",
                           "https://a/secret#x",
                           "secret://a",
                           "https://a:secret/",
                           "https://secret..x/",
                           "https://a/secret%"}) {
    CAPTURE(text);
    CHECK(why(text).find("secret") == std::string::npos);
  }
}

}  // namespace postlude
