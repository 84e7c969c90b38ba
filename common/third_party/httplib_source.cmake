# Finds the header-only original of cpp-httplib and the script that splits it, and sets
# POSTLUDE_HTTPLIB_HEADER and POSTLUDE_HTTPLIB_SPLIT. In this order: POSTLUDE_HTTPLIB_DIR, the cache
# of an earlier configuration, the release archive, Debian's source package.
include(FetchContent)

set(POSTLUDE_HTTPLIB_DIR "" CACHE PATH "Folder with httplib.h and split.py, instead of fetching them")
set(httplib_version 0.41.0)
set(httplib_header_sha256 e9112546cbae828180f72c2ae6da4bfd8d15ae38138bd99b898e5e30128acc28)
set(httplib_split_sha256 bb3bd1a891f8f3ea1c800e93f44a3c20d0ee26d97a4b1d97c04f6c22d001e662)
set(httplib_cache ${POSTLUDE_DEPS_DIR}/httplib-${httplib_version})

# Sets `result` to TRUE if `folder` holds exactly the two files of this version.
function(httplib_is_genuine folder result)
  set(${result} FALSE PARENT_SCOPE)
  if(EXISTS ${folder}/httplib.h AND EXISTS ${folder}/split.py)
    file(SHA256 ${folder}/httplib.h header)
    file(SHA256 ${folder}/split.py split)
    if(header STREQUAL httplib_header_sha256 AND split STREQUAL httplib_split_sha256)
      set(${result} TRUE PARENT_SCOPE)
    endif()
  endif()
endfunction()

# Downloads by file(DOWNLOAD), which fails at once where there is no internet access; FetchContent
# alone would retry for minutes and then end the configuration. It unpacks what arrived.
function(httplib_from_release folder)
  set(archive ${POSTLUDE_DEPS_DIR}/httplib-${httplib_version}.tar.gz)
  file(DOWNLOAD
    https://github.com/yhirose/cpp-httplib/archive/refs/tags/v${httplib_version}.tar.gz ${archive}
    TIMEOUT 60 INACTIVITY_TIMEOUT 5 STATUS status)
  list(GET status 0 code)
  if(code EQUAL 0)
    FetchContent_Declare(httplib URL ${archive} SOURCE_DIR ${folder})
    FetchContent_GetProperties(httplib)
    if(NOT httplib_POPULATED)
      FetchContent_Populate(httplib)
    endif()
  else()
    list(GET status 1 reason)
    message(STATUS "cpp-httplib: no release archive (${reason})")
  endif()
  file(REMOVE ${archive})
endfunction()

if(POSTLUDE_HTTPLIB_DIR)
  set(httplib_folder ${POSTLUDE_HTTPLIB_DIR})
else()
  set(httplib_folder ${httplib_cache})
  httplib_is_genuine(${httplib_folder} genuine)
  if(NOT genuine)
    httplib_from_release(${httplib_folder})
    httplib_is_genuine(${httplib_folder} genuine)
  endif()
  if(NOT genuine)
    message(STATUS "cpp-httplib: taking Debian's source package of ${httplib_version}")
    execute_process(
      COMMAND ${CMAKE_CURRENT_LIST_DIR}/debian_source cpp-httplib ${httplib_version} ${httplib_folder}
      RESULT_VARIABLE failed)
    httplib_is_genuine(${httplib_folder} genuine)
  endif()
  if(NOT genuine)
    message(FATAL_ERROR
      "cpp-httplib ${httplib_version} can be had neither as a release archive nor as a Debian source "
      "package. Unpack it yourself and pass -DPOSTLUDE_HTTPLIB_DIR=<folder with httplib.h>.")
  endif()
endif()

set(POSTLUDE_HTTPLIB_HEADER ${httplib_folder}/httplib.h)
set(POSTLUDE_HTTPLIB_SPLIT ${httplib_folder}/split.py)
