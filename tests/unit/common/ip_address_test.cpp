#include "common/ip_address.h"

#include <doctest/doctest.h>

#include <string>

namespace postlude {
namespace {

std::string text_of(std::string_view spelling) {
  const auto address = parse_ip_spelling(spelling);
  return address ? address->text() : "none";
}

std::string use_of(std::string_view text) {
  const auto address = parse_ip_address(text);
  REQUIRE(address);
  return std::string(special_use(*address).value_or("public"));
}

}  // namespace

TEST_CASE("addresses are read in their usual form only") {
  CHECK(parse_ip_address("10.0.0.1")->text() == "10.0.0.1");
  CHECK(parse_ip_address("FD00:0::1")->text() == "fd00::1");
  for (const char* text : {"",
                           "10.0.0",
                           "127.1",
                           "010.0.0.1",
                           "0x7f.0.0.1",
                           "2130706433",
                           "[::1]",
                           "::1%lo",
                           "1.2.3.4 ",
                           "fd00::/8",
                           "a"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_ip_address(text));
  }
  CHECK_FALSE(parse_ip_address(std::string_view("1.2.3.4\0x", 9)));
}

TEST_CASE("every spelling of an address that the system takes is that address") {
  CHECK(text_of("2130706433") == "127.0.0.1");
  CHECK(text_of("0x7f.1") == "127.0.0.1");
  CHECK(text_of("0X7F000001") == "127.0.0.1");
  CHECK(text_of("0177.0.0.1") == "127.0.0.1");
  CHECK(text_of("017700000001") == "127.0.0.1");
  CHECK(text_of("127.1") == "127.0.0.1");
  CHECK(text_of("10.65537") == "10.1.0.1");
  CHECK(text_of("0") == "0.0.0.0");
  CHECK(text_of("::1") == "::1");
  CHECK(text_of("hooks.slack.com") == "none");
  CHECK(text_of("cafe") == "none");
  CHECK(text_of("127.0.0.1 x") == "none");
}

TEST_CASE("a mapped address is the IPv4 address in it") {
  CHECK(parse_ip_address("::ffff:10.0.0.1") == parse_ip_address("10.0.0.1"));
  CHECK(parse_ip_address("::ffff:a00:1") == parse_ip_address("10.0.0.1"));
}

TEST_CASE("a range holds what begins with its prefix") {
  const IpRange ten{*parse_ip_address("10.0.0.0"), 8};
  CHECK(ten.contains(*parse_ip_address("10.255.255.255")));
  CHECK_FALSE(ten.contains(*parse_ip_address("11.0.0.0")));
  CHECK(ten.contains(*parse_ip_address("::ffff:10.1.2.3")));
  CHECK_FALSE(ten.contains(*parse_ip_address("a00::")));
  const IpRange odd{*parse_ip_address("100.64.0.0"), 10};
  CHECK(odd.contains(*parse_ip_address("100.127.255.255")));
  CHECK_FALSE(odd.contains(*parse_ip_address("100.128.0.0")));
  const IpRange all{*parse_ip_address("0.0.0.0"), 0};
  CHECK(all.contains(*parse_ip_address("255.255.255.255")));
  const IpRange one{*parse_ip_address("fd00::1"), 128};
  CHECK(one.contains(*parse_ip_address("fd00::1")));
  CHECK_FALSE(one.contains(*parse_ip_address("fd00::2")));
}

TEST_CASE("public addresses have no special use") {
  for (const char* text : {"1.1.1.1",
                           "52.94.236.248",
                           "100.63.255.255",
                           "100.128.0.0",
                           "172.15.255.255",
                           "172.32.0.0",
                           "223.255.255.255",
                           "198.17.255.255",
                           "198.20.0.0",
                           "2600:1f18::1",
                           "2a00:1450::1",
                           "64:ff9b::1.1.1.1",
                           "2002:101:101::1"}) {
    CAPTURE(text);
    CHECK(use_of(text) == "public");
  }
}

TEST_CASE("addresses that are not of the public internet are known by what they are") {
  CHECK(use_of("0.0.0.0") == "an unspecified address");
  CHECK(use_of("10.1.2.3") == "a private address");
  CHECK(use_of("172.16.0.1") == "a private address");
  CHECK(use_of("172.31.255.255") == "a private address");
  CHECK(use_of("192.168.1.1") == "a private address");
  CHECK(use_of("127.0.0.53") == "a loopback address");
  CHECK(use_of("169.254.170.2") == "a link-local address");
  CHECK(use_of("100.64.0.1") == "a carrier's shared address");
  CHECK(use_of("198.19.255.255") == "a benchmarking address");
  CHECK(use_of("192.0.0.8") == "a reserved address");
  CHECK(use_of("203.0.113.7") == "a documentation address");
  CHECK(use_of("239.1.1.1") == "a multicast address");
  CHECK(use_of("255.255.255.255") == "a reserved address");
  CHECK(use_of("::") == "an unspecified address");
  CHECK(use_of("::1") == "a loopback address");
  CHECK(use_of("fd00:ec2::254") == "a private address");
  CHECK(use_of("fe80::1") == "a link-local address");
  CHECK(use_of("fec0::1") == "a private address");
  CHECK(use_of("ff02::1") == "a multicast address");
  CHECK(use_of("2001::1") == "a reserved address");
  CHECK(use_of("2001:db8::1") == "a documentation address");
  CHECK(use_of("4000::1") == "a reserved address");
  CHECK(use_of("::7f00:1") == "a reserved address");
}

TEST_CASE("an address that carries an IPv4 address is judged by that one") {
  CHECK(use_of("::ffff:10.0.0.1") == "a private address");
  CHECK(use_of("::ffff:169.254.169.254") == "a link-local address");
  CHECK(use_of("64:ff9b::127.0.0.1") == "a loopback address");
  CHECK(use_of("64:ff9b:1::1.1.1.1") == "a private address");
  CHECK(use_of("2002:7f00:1::") == "a loopback address");
  CHECK(use_of("2002:a00:1::5") == "a private address");
}

}  // namespace postlude
