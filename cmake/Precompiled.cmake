# Two ways in which a build costs a third of the processor time. Both are off in the presets lint, asan, tsan, fuzz and release, so
# that a source that forgets an include does not pass unnoticed.
#
# - Headers of others that most sources include are read once for all of them. Only headers that never change by our hand: a
#   change in one compiles everything again.
# - Several sources of a target are compiled at once (CMake's unity build): what they instantiate of these headers, and of each
#   other's, is instantiated once. So the unnamed namespaces of a target's sources share their names; two that are the same are
#   an error of the compiler.
option(CAIRN_PRECOMPILED "Precompile the headers of others that most sources include, and compile several sources at once" OFF)
# How many: a change of one source compiles the others with it. Files of tests gain more and cost less.
set(CAIRN_SOURCES_AT_ONCE 4)
set(CAIRN_TEST_SOURCES_AT_ONCE 8)

# GCC's garbage collector goes through the precompiled headers each time that it runs: a tenth of what a file costs, and a quarter of
# some. Below this many KB it does not run; a large test takes 60 MB more memory.
if(CAIRN_PRECOMPILED)
  add_compile_options($<$<CXX_COMPILER_ID:GNU>:--param=ggc-min-heapsize=400000>)
endif()

# It links a test program in half the time of the default linker, beside which Debian installs it.
find_program(CAIRN_GOLD ld.gold)
if(CAIRN_PRECOMPILED AND CAIRN_GOLD)
  add_link_options(-fuse-ld=gold)
endif()

set(CAIRN_COMMON_HEADERS
  <absl/container/btree_map.h> <absl/container/btree_set.h> <absl/container/flat_hash_map.h> <absl/container/flat_hash_set.h>
  <absl/container/inlined_vector.h> <absl/container/node_hash_map.h> <absl/functional/function_ref.h> <absl/status/statusor.h>
  <absl/strings/escaping.h> <absl/strings/numbers.h> <absl/strings/str_cat.h> <absl/strings/str_split.h> <absl/time/time.h>
  <algorithm> <array> <atomic> <deque> <functional> <map> <memory> <optional> <random> <set> <span> <sstream> <string>
  <string_view> <thread> <utility> <variant> <vector>
  <signaling/v1/admin.pb.h> <signaling/v1/lane.pb.h> <signaling/v1/mesh.pb.h>)

# cairn_precompiled(NAME LIBRARIES libraries... HEADERS headers...): headers for cairn_use_precompiled(TARGET NAME).
function(cairn_precompiled name)
  cmake_parse_arguments(arg "" "" "LIBRARIES;HEADERS" ${ARGN})
  if(NOT CAIRN_PRECOMPILED)
    return()
  endif()
  file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/precompiled/${name}.cc CONTENT "")
  add_library(cairn_precompiled_${name} OBJECT ${PROJECT_BINARY_DIR}/precompiled/${name}.cc)
  target_link_libraries(cairn_precompiled_${name} PRIVATE cairn::compiler ${arg_LIBRARIES})
  target_precompile_headers(cairn_precompiled_${name} PRIVATE ${arg_HEADERS})
  # Not -fpch-preprocess: where the last precompiled header is still in place, ccache would take that for all that the new one
  # is made of, and return an older one.
  target_compile_options(cairn_precompiled_${name} PRIVATE -pthread)
endfunction()

# cairn_use_precompiled(TARGET NAME). GCC wants that the target defines no less than what the headers were compiled with.
function(cairn_use_precompiled target name)
  if(TARGET cairn_precompiled_${name})
    target_precompile_headers(${target} REUSE_FROM cairn_precompiled_${name})
    set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE ${CAIRN_SOURCES_AT_ONCE})
    # Without -fpch-preprocess, ccache caches no object that includes a precompiled header. The two warnings are wrong about
    # std::string in GCC 12 where more is inlined; the preset release has them.
    target_compile_options(${target} PRIVATE
      -pthread $<$<CXX_COMPILER_ID:GNU>:-fpch-preprocess -Wno-restrict -Wno-stringop-overflow>)
  endif()
endfunction()

# Sets `out` to whether a target links, directly or not, another.
function(cairn_links target wanted out)
  set(${out} FALSE PARENT_SCOPE)
  if(NOT TARGET ${target})
    return()
  endif()
  get_target_property(aliased ${target} ALIASED_TARGET)
  if(aliased)
    set(target ${aliased})
  endif()
  set(found FALSE)
  get_target_property(direct ${target} INTERFACE_LINK_LIBRARIES)
  foreach(library ${direct})
    if(library STREQUAL wanted)
      set(found TRUE)
    elseif(library MATCHES "^cairn::")
      cairn_links(${library} ${wanted} found)
    endif()
    if(found)
      set(${out} TRUE PARENT_SCOPE)
      return()
    endif()
  endforeach()
endfunction()

# cairn_optimize(LEVEL target or sources...): -O0 or -O1 instead of -O2, in a build with precompiled headers, for what is mostly
# templates of others and runs once, or waits for a network. At -O0 a source cannot use those headers, which are compiled with
# optimization. A source with a level of its own is compiled alone.
function(cairn_optimize level)
  if(NOT CAIRN_PRECOMPILED)
    return()
  endif()
  foreach(one ${ARGN})
    if(TARGET ${one})
      target_compile_options(${one} PRIVATE -O${level})
    elseif(level EQUAL 0)
      set_source_files_properties(${one} PROPERTIES COMPILE_OPTIONS -O0 SKIP_PRECOMPILE_HEADERS ON)
    else()
      set_source_files_properties(${one} PROPERTIES COMPILE_OPTIONS -O${level})
    endif()
  endforeach()
endfunction()

# cairn_compile_alone(sources...): those that take two seconds or more, so that no change waits for two of them.
function(cairn_compile_alone)
  set_source_files_properties(${ARGN} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
endfunction()

# cairn_use_common(TARGET libraries...): the common headers, if one of its libraries sends or receives what is in signaling/v1.
function(cairn_use_common target)
  foreach(library ${ARGN})
    cairn_links(${library} cairn::signaling found)
    if(found)
      cairn_use_precompiled(${target} common)
      return()
    endif()
  endforeach()
endfunction()

# Every library of ours that does so, and base, whose files cost half with them.
function(cairn_precompile_libraries)
  get_property(libraries GLOBAL PROPERTY CAIRN_LIBRARIES)
  foreach(library ${libraries})
    cairn_use_common(${library} ${library})
  endforeach()
  cairn_use_precompiled(cairn_base common)
endfunction()
