#include "extension/resolve.h"

#include "common/clock.h"
#include "common/unique_fd.h"

#include <doctest/doctest.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <resolv.h>
#include <sys/socket.h>

#include <algorithm>
#include <future>
#include <string>
#include <thread>

namespace postlude::extension {
using namespace std::chrono_literals;

namespace {

/// A name server on loopback that never says a word.
struct SilentNameServer {
  SilentNameServer() : socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    // NOLINTBEGIN(*-reinterpret-cast): sockets API
    REQUIRE(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), size) == 0);
    REQUIRE(::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0);
    // NOLINTEND(*-reinterpret-cast)
  }
  [[nodiscard]] bool was_asked() const {
    pollfd waiting = {socket.get(), POLLIN, 0};
    return ::poll(&waiting, 1, 0) > 0;
  }

  UniqueFd socket;
  sockaddr_in address = {};
};

}  // namespace

TEST_CASE("addresses resolve to themselves, in any spelling") {
  CHECK(resolve("10.1.2.3")->front().text() == "10.1.2.3");
  CHECK(resolve("2130706433")->front().text() == "127.0.0.1");
  CHECK(resolve("fd00::1")->front().text() == "fd00::1");
}

TEST_CASE("a name of the hosts file is found") {
  const auto found = resolve("localhost");
  REQUIRE(found);
  CHECK(std::any_of(found->begin(), found->end(), [](const IpAddress& address) {
    return special_use(address) == "a loopback address";
  }));
}

TEST_CASE("name servers that never answer are given up within the bound") {
  for (const int servers : {1, 2, 3}) {
    CAPTURE(servers);
    const SilentNameServer silent;
    // A thread of its own: the resolver's state is one a thread. The first look-up sets the limits,
    // then the name servers of the system give way to ours.
    auto asked = std::async(std::launch::async, [&] {
      CHECK(resolve("localhost"));
      _res.nscount = servers;
      for (int i = 0; i < servers; ++i) {
        _res.nsaddr_list[i] = silent.address;
      }
      // As the limits are made for so many.
      _res.retry = servers == 1 ? 2 : 1;
      const EpochTime begin = now();
      auto found = resolve("never.answered.invalid");
      return std::pair(std::move(found), now() - begin);
    });
    const auto [found, took] = asked.get();
    CHECK(silent.was_asked());
    REQUIRE_FALSE(found);
    CHECK(found.error().kind == HttpFailure::Kind::unreachable);
    CHECK(found.error().why == "never.answered.invalid: the name server did not answer");
    CHECK(took <= kMostNameServerTime + 500ms);
  }
}

TEST_CASE("the limits of a look-up are set for every thread that makes one") {
  std::async(std::launch::async, [] {
    CHECK(resolve("localhost"));
    CHECK(_res.retrans == 1);
    CHECK(_res.retrans * _res.retry * std::max(_res.nscount, 1) <= kMostNameServerTime.count());
    CHECK((_res.options & RES_DNSRCH) == 0);
  }).get();
}

}  // namespace postlude::extension
