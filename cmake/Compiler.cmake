# What every target of this project is compiled with: one INTERFACE target, linked by cairn_library() and friends.
add_library(cairn_compiler INTERFACE)
add_library(cairn::compiler ALIAS cairn_compiler)
target_compile_options(cairn_compiler INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror
  $<$<CXX_COMPILER_ID:Clang>:-Wthread-safety>)
target_include_directories(cairn_compiler INTERFACE ${PROJECT_SOURCE_DIR})

# A program is linked with the libraries that it uses, not with all that those were built with.
add_link_options(-Wl,--as-needed)

if(CAIRN_SANITIZE)
  # vptr checks probe memory through a pipe, which a process without free descriptors cannot open.
  # Function checks of coroutines are more than clang 14's assembler can express.
  add_compile_options(-fsanitize=${CAIRN_SANITIZE} -fno-sanitize=vptr,function -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${CAIRN_SANITIZE})
endif()

find_program(CAIRN_CCACHE ccache)
if(CAIRN_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # ccache requires these before it caches anything that includes a precompiled header.
  set(sloppiness include_file_ctime,include_file_mtime,pch_defines,time_macros)
  set(CMAKE_CXX_COMPILER_LAUNCHER env CCACHE_SLOPPINESS=${sloppiness} ${CAIRN_CCACHE})
endif()

# cairn_library(NAME sources...): the static library of one folder, cairn::NAME to others.
function(cairn_library name)
  add_library(cairn_${name} STATIC ${ARGN})
  add_library(cairn::${name} ALIAS cairn_${name})
  target_link_libraries(cairn_${name} PRIVATE cairn::compiler)
  target_include_directories(cairn_${name} INTERFACE ${PROJECT_SOURCE_DIR})
  set_property(GLOBAL APPEND PROPERTY CAIRN_LIBRARIES cairn_${name})
endfunction()
