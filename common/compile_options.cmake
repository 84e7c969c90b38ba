# char is unsigned on arm64: it shall mean there what the tests have seen on x86_64.
add_compile_options(-fsigned-char)

# How everything of ours is compiled: postlude_warnings (private to our targets), postlude_sanitizers
# (also for foreign code that runs in our processes), postlude_options (what includers of us need).
set(POSTLUDE_SANITIZE "" CACHE STRING "Sanitizers of this build: empty, address or thread")
option(POSTLUDE_WERROR "Treat warnings in our own sources as errors" OFF)

add_library(postlude_warnings INTERFACE)
target_compile_options(postlude_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wold-style-cast
  -Wnon-virtual-dtor -Woverloaded-virtual -Wcast-align -Wformat=2
  -Wimplicit-fallthrough -Wextra-semi -Wsuggest-override
  $<$<CXX_COMPILER_ID:GNU>:-Wduplicated-cond -Wduplicated-branches -Wlogical-op -Wuseless-cast>
  $<$<CXX_COMPILER_ID:Clang>:-Wthread-safety -Wnull-dereference>
  $<$<BOOL:${POSTLUDE_WERROR}>:-Werror>)

# What ships in the layer: no library of the host, and no byte that depends on where it was built.
# -Os: the zips are near the limit of layer/packaging/pack, and -O2 makes them a tenth larger.
option(POSTLUDE_STATIC "Link the programs of the layer statically, small and reproducible" OFF)
if(POSTLUDE_STATIC)
  add_compile_options(-Os -flto=auto -ffunction-sections -fdata-sections
    -ffile-prefix-map=${CMAKE_SOURCE_DIR}=. -ffile-prefix-map=${CMAKE_BINARY_DIR}=.)
  # Not -static-pie, which is larger and starts more slowly; no build id, which hashes paths of objects.
  # The map tells what was linked in.
  add_link_options(-static -flto=auto -Wl,--gc-sections -Wl,--build-id=none -s
    -Wl,-Map=$<TARGET_PROPERTY:NAME>.map)
endif()

add_library(postlude_sanitizers INTERFACE)
if(POSTLUDE_SANITIZE STREQUAL "address")
  set(sanitizers -fsanitize=address,undefined -fno-sanitize-recover=all)
  # As shared libraries the two do not share log_path, and UBSan's reports would be lost.
  set(sanitizer_libraries -static-libasan -static-libubsan)
elseif(POSTLUDE_SANITIZE STREQUAL "thread")
  set(sanitizers -fsanitize=thread)
elseif(NOT POSTLUDE_SANITIZE STREQUAL "")
  message(FATAL_ERROR "POSTLUDE_SANITIZE is empty, address or thread, not ${POSTLUDE_SANITIZE}")
endif()
if(POSTLUDE_SANITIZE)
  # Compiled in, because the programs run in environments that the emulator makes from nothing.
  add_library(sanitizer_defaults OBJECT common/sanitizer_defaults.cpp)
  target_compile_definitions(sanitizer_defaults PRIVATE
    POSTLUDE_SANITIZER_REPORTS="${CMAKE_BINARY_DIR}/reports/report")
  file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/reports)

  target_compile_options(postlude_sanitizers INTERFACE ${sanitizers} -O1 -fno-omit-frame-pointer)
  target_compile_definitions(postlude_sanitizers INTERFACE _GLIBCXX_ASSERTIONS)
  target_link_options(postlude_sanitizers INTERFACE ${sanitizers} ${sanitizer_libraries})
  target_link_libraries(postlude_sanitizers INTERFACE $<TARGET_OBJECTS:sanitizer_defaults>)
endif()

# Foreign code with big instantiations: UBSan multiplies its compile time and would watch others.
add_library(postlude_foreign_sanitizers INTERFACE)
if(POSTLUDE_SANITIZE STREQUAL "address")
  target_compile_options(postlude_foreign_sanitizers INTERFACE -fsanitize=address -O0)
  target_link_libraries(postlude_foreign_sanitizers INTERFACE $<LINK_ONLY:postlude_sanitizers>)
else()
  target_link_libraries(postlude_foreign_sanitizers INTERFACE postlude_sanitizers)
endif()

add_library(postlude_options INTERFACE)
target_compile_definitions(postlude_options INTERFACE POSTLUDE_VERSION="${PROJECT_VERSION}")
target_include_directories(postlude_options INTERFACE ${CMAKE_SOURCE_DIR})
target_link_libraries(postlude_options INTERFACE postlude_sanitizers Threads::Threads)

# Code that only tests run: quick to compile, and UBSan watches the product. Named last in a list of libraries, so
# that its flags stand behind those of postlude_sanitizers.
add_library(postlude_test_code INTERFACE)
target_compile_options(postlude_test_code INTERFACE -O0
  $<$<STREQUAL:${POSTLUDE_SANITIZE},address>:-fno-sanitize=undefined>)
