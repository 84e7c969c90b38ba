# What `make bench` runs beside Postlude (bench_roles.h).
postlude_library(bench_roles
  bench/bench_platform.cpp
  bench/bench_relay.cpp
  bench/bench_runtime.cpp
  bench/bench_task.cpp
  bench/platform_peer.cpp
  bench/played_platform.cpp
  bench/runtime_wish.cpp
)
target_link_libraries(bench_roles PUBLIC common PRIVATE proof_actors)
postlude_executable(postlude-bench bench/main.cpp bench_roles)
if(NOT POSTLUDE_SANITIZE)
  target_link_options(postlude-bench PRIVATE -static)
endif()
