# What plugin/openfx.cmake does without a network: cmake -DOPENFX=DIR -DWORK=DIR -P plugin/tests/openfx_test.cmake
set(script "${CMAKE_CURRENT_LIST_DIR}/../openfx.cmake")
file(REMOVE_RECURSE "${WORK}")
file(MAKE_DIRECTORY "${WORK}")

function(run code output)
  execute_process(COMMAND ${CMAKE_COMMAND} "-DOPENFX_SETUP=${WORK}" ${ARGN} -P "${script}"
    RESULT_VARIABLE ended OUTPUT_VARIABLE out ERROR_VARIABLE err TIMEOUT 60)
  string(REGEX REPLACE "[ \n]+" " " said "${out}${err}") # CMake breaks lines
  if((code EQUAL 0 AND NOT ended EQUAL 0) OR (NOT code EQUAL 0 AND ended EQUAL 0))
    message(FATAL_ERROR "openfx.cmake ${ARGN} ended with ${ended}:\n${said}")
  endif()
  foreach(part IN LISTS output)
    string(FIND "${said}" "${part}" at)
    if(at EQUAL -1)
      message(FATAL_ERROR "openfx.cmake ${ARGN} did not print '${part}':\n${said}")
    endif()
  endforeach()
endfunction()

# Another archive than the one that is pinned is refused, and nothing of it stays.
file(WRITE "${WORK}/other.crate" "another archive")
file(SHA256 "${WORK}/other.crate" sha256)
run(1 "${sha256};OPENFX_HEADERS" "-DOPENFX_URL=file://${WORK}/other.crate")
run(1 "cannot be fetched" "-DOPENFX_URL=file://${WORK}/missing.crate")
file(GLOB left "${WORK}/openfx*")
if(left)
  message(FATAL_ERROR "a failed download left ${left}")
endif()

# A folder that is given is used as it is, and the network is not asked.
run(0 "${OPENFX}" "-DOPENFX_HEADERS=${OPENFX}" "-DOPENFX_URL=file://${WORK}/missing.crate")
run(1 "${WORK}, which has no include/ofxImageEffect.h" "-DOPENFX_HEADERS=${WORK}")

# So is one that an earlier run has fetched.
file(READ "${script}" text)
string(REGEX MATCH "OPENFX_VERSION ([0-9.]+)" found "${text}")
set(fetched "${WORK}/openfx-sys-${CMAKE_MATCH_1}")
file(MAKE_DIRECTORY "${fetched}")
run(0 "${fetched}" "-DOPENFX_URL=file://${WORK}/missing.crate")
