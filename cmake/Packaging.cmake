# The files that `cmake --install` installs, and the Debian package that CPack makes of them. tests/deploy/test_package.py installs it.
include(GNUInstallDirs)
find_program(CAIRN_GZIP gzip)

install(TARGETS cairn-signal cairn-admin RUNTIME DESTINATION bin)

# Units, and /etc/default as they name it, belong where systemd looks, whatever the prefix.
set(units ${PROJECT_SOURCE_DIR}/deploy/systemd)
install(FILES ${units}/cairn-signal.service ${units}/cairn-signal.socket
  ${units}/cairn-signal-edge.service ${units}/cairn-signal-edge.socket ${units}/cairn-signal-edge@.service
  ${units}/cairn-signal-core.service DESTINATION lib/systemd/system)
install(FILES ${units}/sysusers.conf DESTINATION lib/sysusers.d RENAME cairn-signal.conf)
foreach(suffix "" -edge -core)
  install(FILES ${units}/default${suffix} DESTINATION /etc/default RENAME cairn-signal${suffix}
    PERMISSIONS OWNER_READ OWNER_WRITE GROUP_READ)
endforeach()

install(FILES LICENSE DESTINATION share/doc/cairn-signal RENAME copyright)

# Without a time stamp, so that two builds give the same bytes.
function(cairn_install_compressed source directory name)
  set(compressed ${PROJECT_BINARY_DIR}/compressed/${name}.gz)
  add_custom_command(OUTPUT ${compressed}
    COMMAND ${CMAKE_COMMAND} -E make_directory ${PROJECT_BINARY_DIR}/compressed
    COMMAND ${CAIRN_GZIP} -9nc ${source} > ${compressed}
    DEPENDS ${source} VERBATIM)
  set_property(GLOBAL APPEND PROPERTY CAIRN_PACKAGED ${compressed})
  install(FILES ${compressed} DESTINATION ${directory})
endfunction()
cairn_install_compressed(${PROJECT_SOURCE_DIR}/docs/cairn-signal.1 share/man/man1 cairn-signal.1)
cairn_install_compressed(${PROJECT_SOURCE_DIR}/docs/cairn-admin.1 share/man/man1 cairn-admin.1)
cairn_install_compressed(${PROJECT_SOURCE_DIR}/CHANGELOG.md share/doc/cairn-signal changelog)

# cairn-admin prints its own completions.
function(cairn_install_completion shell directory name)
  set(script ${PROJECT_BINARY_DIR}/completions/${shell}/${name})
  add_custom_command(OUTPUT ${script}
    COMMAND ${CMAKE_COMMAND} -E make_directory ${PROJECT_BINARY_DIR}/completions/${shell}
    COMMAND cairn-admin completion ${shell} > ${script}
    DEPENDS cairn-admin VERBATIM)
  set_property(GLOBAL APPEND PROPERTY CAIRN_PACKAGED ${script})
  install(FILES ${script} DESTINATION ${directory})
endfunction()
cairn_install_completion(bash share/bash-completion/completions cairn-admin)
cairn_install_completion(zsh share/zsh/vendor-completions _cairn-admin)
cairn_install_completion(fish share/fish/vendor_completions.d cairn-admin.fish)

get_property(packaged GLOBAL PROPERTY CAIRN_PACKAGED)
add_custom_target(packaged ALL DEPENDS ${packaged})

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_PACKAGE_NAME cairn-signal)
set(CPACK_PACKAGE_VENDOR "The cairn-signal authors")
set(CPACK_PACKAGE_CONTACT "The cairn-signal authors <https://github.com/moukrea/cairn>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "signaling server for cairn peers")
set(CPACK_PACKAGE_DESCRIPTION "Peers connect by WebSocket, meet under a topic and exchange the messages that set up a direct
 connection between them. One process serves, or edges that share a core. cairn-admin shows who is connected and steers it.")
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
# For the user that the units run as.
set(CPACK_DEBIAN_PACKAGE_DEPENDS "systemd | systemd-standalone-sysusers | systemd-sysusers")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(control ${PROJECT_SOURCE_DIR}/deploy/debian)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${control}/conffiles ${control}/postinst ${control}/prerm ${control}/postrm)
include(CPack)
