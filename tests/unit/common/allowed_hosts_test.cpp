#include "common/allowed_hosts.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace postlude {
namespace {

AllowedHosts hosts(const std::vector<std::string>& entries) {
  auto parsed = AllowedHosts::parse(entries);
  REQUIRE(parsed);
  return std::move(*parsed);
}

std::string host_verdict(const std::vector<std::string>& entries, std::string_view host) {
  const auto checked = hosts(entries).check_host(host);
  return checked ? "allowed" : checked.error().message;
}

std::string address_verdict(const std::vector<std::string>& entries, std::string_view address) {
  const auto parsed = parse_ip_address(address);
  REQUIRE(parsed);
  const auto checked = hosts(entries).check_address(*parsed);
  return checked ? "allowed" : checked.error().message;
}

std::string entry_verdict(std::string_view entry) {
  const auto parsed = parse_allowed_host(entry);
  return parsed ? "taken" : parsed.error().message;
}

}  // namespace

TEST_CASE("names are compared whole and in any case") {
  CHECK(host_verdict({"Hooks.Slack.com"}, "hooks.slack.com") == "allowed");
  CHECK(host_verdict({"hooks.slack.com"}, "HOOKS.slack.com") == "allowed");
  CHECK(host_verdict({"hooks.slack.com"}, "hooks.slack.com.evil.com") ==
        "hooks.slack.com.evil.com is not in allowHosts");
  CHECK(host_verdict({"hooks.slack.com"}, "xhooks.slack.com") ==
        "xhooks.slack.com is not in allowHosts");
  CHECK(host_verdict({}, "a") == "a is not in allowHosts");
}

TEST_CASE("a star spans one character or more") {
  CHECK(host_verdict({"*.example.com"}, "a.example.com") == "allowed");
  CHECK(host_verdict({"*.example.com"}, "a.b.example.com") == "allowed");
  CHECK(host_verdict({"*.example.com"}, "example.com") == "example.com is not in allowHosts");
  CHECK(host_verdict({"*.example.com"}, ".example.com") == ".example.com is not in allowHosts");
  CHECK(host_verdict({"*.example.com"}, "a.example.com.evil") ==
        "a.example.com.evil is not in allowHosts");
  CHECK(host_verdict({"*.example.com"}, "evilexample.com") ==
        "evilexample.com is not in allowHosts");
  CHECK(host_verdict({"hooks-*.example.com"}, "hooks-eu.example.com") == "allowed");
  CHECK(host_verdict({"a*b*c"}, "a1b2b3c") == "allowed");
  CHECK(host_verdict({"a*b*c"}, "abc") == "abc is not in allowHosts");
  CHECK(host_verdict({"*"}, "anything.at.all") == "allowed");
}

TEST_CASE("an address as host must be listed as an address, in whatever spelling it comes") {
  CHECK(host_verdict({"*", "*.*.*.*"}, "127.0.0.1") ==
        "127.0.0.1 is a loopback address, list it in allowHosts");
  CHECK(host_verdict({"*"}, "2130706433") ==
        "2130706433 is a loopback address, list it in allowHosts");
  CHECK(host_verdict({"*"}, "0x7f.1") == "0x7f.1 is a loopback address, list it in allowHosts");
  CHECK(host_verdict({"*"}, "::ffff:10.0.0.1") ==
        "::ffff:10.0.0.1 is a private address, list it in allowHosts");
  CHECK(host_verdict({"*"}, "169.254.170.2") ==
        "169.254.170.2 is a link-local address, list it in allowHosts");
  CHECK(host_verdict({"*"}, "1.1.1.1") == "1.1.1.1 is not in allowHosts");
  CHECK(host_verdict({"1.1.1.1"}, "1.1.1.1") == "allowed");
  CHECK(host_verdict({"127.0.0.1"}, "127.0.0.1") == "allowed");
  CHECK(host_verdict({"127.0.0.0/8"}, "2130706433") == "allowed");
  CHECK(host_verdict({"10.0.0.0/8"}, "::ffff:10.0.0.1") == "allowed");
  CHECK(host_verdict({"::1"}, "::1") == "allowed");
}

TEST_CASE("public addresses may be connected to, others only where they are listed") {
  CHECK(address_verdict({"*"}, "52.94.236.248") == "allowed");
  CHECK(address_verdict({"hooks.slack.com"}, "10.0.0.3") ==
        "10.0.0.3 is a private address, list it in allowHosts");
  CHECK(address_verdict({"10.0.0.0/8"}, "10.0.0.3") == "allowed");
  CHECK(address_verdict({"10.0.0.0/8"}, "::ffff:10.0.0.3") == "allowed");
  CHECK(address_verdict({"10.0.0.0/8"}, "64:ff9b::10.0.0.3") ==
        "64:ff9b::a00:3 is a private address, list it in allowHosts");
  CHECK(address_verdict({"10.0.0.0/8"}, "192.168.0.1") ==
        "192.168.0.1 is a private address, list it in allowHosts");
  CHECK(address_verdict({"fd00::/8"}, "fd12::1") == "allowed");
  CHECK(address_verdict({"*"}, "::1") == "::1 is a loopback address, list it in allowHosts");
}

TEST_CASE("entries are names, globs, addresses and ranges of addresses") {
  for (const char* entry : {"hooks.slack.com",
                            "*.example.com",
                            "localhost",
                            "a_b.example.com",
                            "*",
                            "10.0.0.0/8",
                            "0.0.0.0/0",
                            "127.0.0.1",
                            "::1",
                            "fd00::/8",
                            "::/0",
                            "xn--bcher-kva.example",
                            "10.0.0.1/32"}) {
    CAPTURE(entry);
    CHECK(entry_verdict(entry) == "taken");
  }
}

TEST_CASE("entries that are nothing of the kind are refused with the reason") {
  CHECK(entry_verdict("") == "an empty host");
  CHECK(entry_verdict("https://a") == "\"https://a\" is not a range of addresses like 10.0.0.0/8");
  CHECK(entry_verdict("a:443") ==
        "\"a:443\" is neither a host name nor an address: write it without "
        "scheme, port and path");
  CHECK(entry_verdict("[::1]") == "\"[::1]\": write an IPv6 address without brackets and port");
  CHECK(entry_verdict("10.0.0.1/8") == "\"10.0.0.1/8\" has bits set after its first 8");
  CHECK(entry_verdict("10.0.0.0/33") ==
        "\"10.0.0.0/33\" is not a range of addresses like 10.0.0.0/8");
  CHECK(entry_verdict("10.0.0.0/") == "\"10.0.0.0/\" is not a range of addresses like 10.0.0.0/8");
  CHECK(entry_verdict("10.0.0/8") == "\"10.0.0/8\" is not a range of addresses like 10.0.0.0/8");
  CHECK(entry_verdict("::ffff:10.0.0.0/104") ==
        "\"::ffff:10.0.0.0/104\": write a range of IPv4 addresses like 10.0.0.0/8");
  CHECK(entry_verdict("127.1") == "\"127.1\": write an address like 10.0.0.1 or 10.0.0.0/8");
  CHECK(entry_verdict("2130706433") ==
        "\"2130706433\": write an address like 10.0.0.1 or 10.0.0.0/8");
  CHECK(entry_verdict("a.") == "\"a.\" is not a host name");
  CHECK(entry_verdict("a..b") == "\"a..b\" is not a host name");
  CHECK(entry_verdict("a b") ==
        "\"a b\" is neither a host name nor an address: write it without "
        "scheme, port and path");
  CHECK_FALSE(AllowedHosts::parse({"fine.example.com", "a b"}));
}

}  // namespace postlude
