# For developers: what `cmake --install` leaves beside the command: headers, libraries, a CMake package (find_package(mascing), target
# mascing::mascing) and a pkg-config file. The libraries are static and libllama's come along, so that a project needs
# neither llama.cpp nor this source.

# Packages (MASCING_PORTABLE, cmake/pack.cmake) carry none of it.

include(CMakePackageConfigHelpers)

set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/mascing)
set(package_targets mascing_library mascing_core)
if(MASCING_LLAMA)
  list(APPEND package_targets mascing_llama mascing_llama_cpp)
  install(FILES ${MASCING_LLAMA_ARCHIVES} DESTINATION ${CMAKE_INSTALL_LIBDIR}/mascing)
endif()
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/mascing DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")
install(TARGETS ${package_targets} EXPORT mascing_targets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}/mascing)
install(EXPORT mascing_targets NAMESPACE mascing:: FILE mascingTargets.cmake DESTINATION ${package_folder})

configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/mascingConfig.cmake.in ${PROJECT_BINARY_DIR}/mascingConfig.cmake
                              INSTALL_DESTINATION ${package_folder})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/mascingConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/mascingConfig.cmake ${PROJECT_BINARY_DIR}/mascingConfigVersion.cmake
        DESTINATION ${package_folder})

# pkg-config: the same archives, by path from where the file stands; the compiler itself brings OpenMP.
file(RELATIVE_PATH pkgconfig_prefix ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_PREFIX})
set(pkgconfig_libs "\${libdir}/mascing/libmascing_core.a")
if(MASCING_LLAMA)
  set(pkgconfig_libs "\${libdir}/mascing/libmascing_llama.a ${pkgconfig_libs} -Wl,--start-group")
  foreach(archive ${MASCING_LLAMA_ARCHIVES})
    get_filename_component(name ${archive} NAME)
    string(APPEND pkgconfig_libs " \${libdir}/mascing/${name}")
  endforeach()
  string(APPEND pkgconfig_libs " -Wl,--end-group ${OpenMP_CXX_FLAGS}")
  if(MASCING_CUDA)
    string(APPEND pkgconfig_libs " -lcudart_static -lcublas -lcublasLt -lcuda -lrt")
  endif()
endif()
configure_file(${PROJECT_SOURCE_DIR}/cmake/mascing.pc.in ${PROJECT_BINARY_DIR}/mascing.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/mascing.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
