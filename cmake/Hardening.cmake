# Options that make a memory error end the process instead of running an attacker's code. For release builds: the
# sanitizers find more, and FORTIFY hides from them what it catches first. tests/deploy/test_hardening.py looks for each in
# the binaries.
option(CAIRN_HARDEN "Compile and link for release: PIE, RELRO, stack protector, FORTIFY, CET" OFF)

if(CAIRN_HARDEN AND CAIRN_SANITIZE)
  message(FATAL_ERROR "CAIRN_HARDEN and CAIRN_SANITIZE exclude each other")
endif()

if(CAIRN_HARDEN)
  include(CheckCXXCompilerFlag)
  # -fPIE, not -fPIC: nothing of an executable can be replaced at load time, so calls inside it may be inlined.
  add_compile_options(
    -fPIE -fstack-protector-strong -fstack-clash-protection
    -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 -D_GLIBCXX_ASSERTIONS)
  # Where an indirect call or a return may land: x86 and ARM have it under different names.
  foreach(flag -fcf-protection=full -mbranch-protection=standard)
    string(MAKE_C_IDENTIFIER "CAIRN_HAS${flag}" has)
    check_cxx_compiler_flag(${flag} ${has})
    if(${has})
      add_compile_options(${flag})
    endif()
  endforeach()
  add_link_options(-pie -Wl,-z,relro,-z,now,-z,noexecstack)
  # Paths of the building machine are of no use to operators, and differ between builds.
  add_compile_options(-ffile-prefix-map=${PROJECT_SOURCE_DIR}=. -ffile-prefix-map=${PROJECT_BINARY_DIR}=build)
endif()
