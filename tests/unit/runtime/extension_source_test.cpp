#include "runtime/extension_source.h"

#include "common/packet_socket.h"
#include "common/process_tree.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

using namespace postlude;           // NOLINT(google-build-using-namespace)
using namespace postlude::runtime;  // NOLINT(google-build-using-namespace)

TEST_CASE("an extension that waits for a shim is found among the Unix sockets") {
  const std::string table =
      "Num       RefCount Protocol Flags    Type St Inode Path\n"
      "0000000000000000: 00000002 00000000 00010000 0005 01 11 @postlude-external-127.0.0.1:9001\n"
      "0000000000000000: 00000003 00000000 00000000 0005 03 12 @postlude-external-127.0.0.1:9002\n"
      "0000000000000000: 00000002 00000000 00010000 0005 01 13 @postlude-4711\n"
      "0000000000000000: 00000002 00000000 00010000 0001 01 14 /run/postlude-external-socket\n"
      "0000000000000000: 00000003 00000000 00000000 0001 03 15\n"
      "0000000000000000: 00000002 00000000 00010000 0005 01 16 @postlude-external-10.0.0.1:80";
  CHECK(waiting_extensions(table) == std::vector<std::string>{"postlude-external-127.0.0.1:9001",
                                                              "postlude-external-10.0.0.1:80"});
  CHECK(waiting_extensions("").empty());
}

TEST_CASE("it is found in the kernel's own table while it listens, and not any more afterwards") {
  const std::string name = external_link_name("unit-test-of-the-source");
  const auto found = [&] {
    const auto waiting = waiting_extensions(read_proc("/proc/net/unix").value_or(""));
    return std::find(waiting.begin(), waiting.end(), name) != waiting.end();
  };
  CHECK_FALSE(found());
  {
    const auto door = PacketListener::listen(name);
    REQUIRE(door.has_value());
    CHECK(found());
  }
  CHECK_FALSE(found());
}
