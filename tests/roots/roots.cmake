# The stories of the layer that `make layer` has made: its own binaries, out of the zips, in a root folder with
# nothing else in it. `make test` runs those whose zips exist (.ci/layer_labels).

# The local Lambda lives in the root too, so that it sees what the function sees. Its libraries by their files:
# as targets they would bring the shared ones of OpenSSL.
add_executable(static-emulator $<TARGET_OBJECTS:postlude-emulator>)
set_target_properties(static-emulator PROPERTIES LINKER_LANGUAGE CXX)
foreach(target emulator_core common third_party_fmt third_party_json third_party_httplib)
  target_link_libraries(static-emulator PRIVATE $<TARGET_FILE:${target}>)
  add_dependencies(static-emulator ${target})
endforeach()
foreach(name ssl crypto yaml-cpp z)
  find_library(static_${name} lib${name}.a REQUIRED)
  target_link_libraries(static-emulator PRIVATE ${static_${name}})
endforeach()
target_link_options(static-emulator PRIVATE -static -s)

postlude_library(root_entry fakes/old_kernel.cpp roots/root_mounts.cpp)
target_link_libraries(root_entry PUBLIC common)
postlude_executable(enter_root roots/enter_root.cpp root_entry)

# The function, its runtime client and what else runs there, for both processors: it uses no library of ours,
# so that a compiler is all it takes. Without a cross compiler there is no such layer either.
set(root_function_sources
  ${CMAKE_SOURCE_DIR}/common/environment.cpp
  ${CMAKE_SOURCE_DIR}/tests/proof/plain_socket.cpp
  ${CMAKE_CURRENT_SOURCE_DIR}/roots/function/api.cpp
  ${CMAKE_CURRENT_SOURCE_DIR}/roots/function/chain.cpp
  ${CMAKE_CURRENT_SOURCE_DIR}/roots/function/look.cpp
  ${CMAKE_CURRENT_SOURCE_DIR}/roots/function/main.cpp
  ${CMAKE_CURRENT_SOURCE_DIR}/roots/function/serve.cpp
)
# Never built: what tells the linters how these sources are compiled.
add_library(root_function OBJECT EXCLUDE_FROM_ALL ${root_function_sources})
target_link_libraries(root_function PRIVATE postlude_warnings postlude_options)
file(GLOB root_function_headers CONFIGURE_DEPENDS roots/function/*.h)
function(add_root_function architecture triple)
  find_program(compiler_for_${architecture} ${triple}-g++)
  if(compiler_for_${architecture})
    set(program ${POSTLUDE_OUTPUT_DIR}/bin/root-function-${architecture})
    add_custom_command(OUTPUT ${program}
      COMMAND ${compiler_for_${architecture}} -std=c++20 -O1 -static -s -Wall -Wextra -I${CMAKE_SOURCE_DIR}
        ${root_function_sources} -o ${program}
      DEPENDS ${root_function_sources} ${root_function_headers}
      VERBATIM)
    add_custom_target(root-function-${architecture} ALL DEPENDS ${program})
  endif()
endfunction()
add_root_function(x86_64 x86_64-linux-gnu)
add_root_function(arm64 aarch64-linux-gnu)

# add_root_story(<name> <architecture>): tests/roots/<name>.test.mjs with the layer of that processor.
function(add_root_story name architecture)
  set(test "layer: ${name}, ${architecture}")
  add_test(NAME ${test} COMMAND env node --test --test-reporter=tap
    ${CMAKE_CURRENT_SOURCE_DIR}/roots/${name}.test.mjs)
  set(environment
    POSTLUDE_ARCHITECTURE=${architecture}
    POSTLUDE_BIN_DIR=${POSTLUDE_OUTPUT_DIR}/bin
    POSTLUDE_LAYERS=${POSTLUDE_OUTPUT_DIR}/layer
    POSTLUDE_TEST_TOOLS=${POSTLUDE_TEST_TOOLS})
  set_tests_properties(${test} PROPERTIES
    LABELS layer-${architecture}
    TIMEOUT 240
    FAIL_REGULAR_EXPRESSION "# tests 0;ok [0-9]+ - [^\n]*[.]test[.]mjs"
    ENVIRONMENT "${environment}"
    ENVIRONMENT_MODIFICATION PATH=path_list_prepend:${POSTLUDE_TEST_TOOLS}/.bin)
endfunction()

foreach(architecture x86_64 arm64)
  add_root_story(chaining ${architecture})
  add_root_story(empty_root ${architecture})
  add_root_story(entry_points ${architecture})
  add_root_story(names ${architecture})
  add_root_story(zips ${architecture})
endforeach()
