# OpenFX: its headers, and HostSupport, the library that the tests' host is built on. No
# distribution packages them; the crate openfx-sys carries OpenFX 1.4 whole, so that its archive is
# taken from crates.io. Cargo has no part in it.
#
#   openfx_sources(FOLDER)           in a CMakeLists.txt: sets FOLDER to where the sources are
#   cmake -P plugin/openfx.cmake     fetches them, so that the build itself needs no network
#
# -DOPENFX_HEADERS=DIR takes sources that are there already; -DOPENFX_URL=URL fetches the same
# archive from another place.

set(OPENFX_VERSION 0.1.0)
set(OPENFX_SHA256 8c33f9e9c468d420ce2d683397834faaa9249566af5160c1e8169a48bb799679)
set(OPENFX_HEADERS "" CACHE PATH "OpenFX: a folder that holds include and HostSupport; none: they are fetched")
set(OPENFX_URL "https://static.crates.io/crates/openfx-sys/openfx-sys-${OPENFX_VERSION}.crate" CACHE STRING
  "Where the archive of openfx-sys ${OPENFX_VERSION} is fetched from")
set(OPENFX_SETUP "${CMAKE_CURRENT_LIST_DIR}/../.setup" CACHE PATH "Folder that fetched sources are kept in")

function(openfx_sources result)
  if(OPENFX_HEADERS)
    get_filename_component(folder "${OPENFX_HEADERS}" ABSOLUTE)
    if(NOT EXISTS "${folder}/include/ofxImageEffect.h")
      message(FATAL_ERROR "OPENFX_HEADERS is ${folder}, which has no include/ofxImageEffect.h; give the folder of OpenFX "
        "that holds include and HostSupport, or leave it empty to have OpenFX fetched")
    endif()
    set(${result} "${folder}" PARENT_SCOPE)
    return()
  endif()
  get_filename_component(setup "${OPENFX_SETUP}" ABSOLUTE)
  set(folder "${setup}/openfx-sys-${OPENFX_VERSION}")
  if(NOT EXISTS "${folder}")
    openfx_fetch("${setup}" "${folder}")
  endif()
  set(${result} "${folder}" PARENT_SCOPE)
endfunction()

# The folder is renamed when it is whole, so that one that is there can be used.
function(openfx_fetch setup folder)
  message(STATUS "Fetching OpenFX from ${OPENFX_URL}")
  string(RANDOM LENGTH 8 random)
  set(work "${setup}/openfx.${random}")
  file(DOWNLOAD "${OPENFX_URL}" "${work}/archive" STATUS status TLS_VERIFY ON INACTIVITY_TIMEOUT 60)
  list(GET status 0 code)
  list(GET status 1 reason)
  set(sha256 "")
  if(code EQUAL 0)
    file(SHA256 "${work}/archive" sha256)
    set(reason "it has the SHA-256 ${sha256}; expected is ${OPENFX_SHA256}")
  endif()
  if(NOT sha256 STREQUAL OPENFX_SHA256)
    file(REMOVE_RECURSE "${work}")
    message(FATAL_ERROR "OpenFX cannot be fetched from ${OPENFX_URL}: ${reason}. Without a network, "
      "-DOPENFX_HEADERS=DIR names a folder that holds OpenFX's include and HostSupport")
  endif()
  set(inside "openfx-sys-${OPENFX_VERSION}/openfx")
  file(ARCHIVE_EXTRACT INPUT "${work}/archive" DESTINATION "${work}"
    PATTERNS "${inside}/include/*" "${inside}/HostSupport/*" "${inside}/LICENSE.md")
  if(NOT EXISTS "${folder}") # another build may have been quicker
    file(RENAME "${work}/${inside}" "${folder}")
  endif()
  file(REMOVE_RECURSE "${work}")
endfunction()

if(CMAKE_SCRIPT_MODE_FILE STREQUAL CMAKE_CURRENT_LIST_FILE)
  openfx_sources(folder)
  message(STATUS "OpenFX is in ${folder}")
endif()
