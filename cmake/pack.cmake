# Packages, made by `make package` (scripts/package.sh): a tarball that runs wherever it is unpacked and a .deb. Both have
# bin/mascing, lib/mascing with libllama and ggml's code for each generation of processors, man pages, completions, the
# licences and an SPDX list. The tarball also carries the other libraries, down to but without those of glibc.
# cmake/pack_stage.cmake completes the folder that CPack is about to pack.

file(GLOB llama_links ${MASCING_LLAMA_BUILD}/bin/lib*.so.[0-9])
foreach(link ${llama_links})
  get_filename_component(name ${link} NAME)
  file(REAL_PATH ${link} library)
  install(PROGRAMS ${library} DESTINATION lib/mascing RENAME ${name})
endforeach()
file(GLOB llama_modules ${MASCING_LLAMA_BUILD}/bin/libggml-cpu-*.so ${MASCING_LLAMA_BUILD}/bin/libggml-rpc.so)
install(PROGRAMS ${llama_modules} DESTINATION lib/mascing)
install(FILES ${PROJECT_SOURCE_DIR}/README.md DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/mascing)

set(CPACK_PACKAGE_NAME mascing)
set(CPACK_PACKAGE_VENDOR "The mascing authors")
set(MASCING_MAINTAINER "The mascing authors <mascing@example.org>" CACHE STRING "Name and address in the .deb")
set(CPACK_PACKAGE_CONTACT "${MASCING_MAINTAINER}")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "steering of mixture-of-experts language models at their routers")
set(CPACK_PACKAGE_DESCRIPTION
    "mascing measures which experts of a mixture-of-experts language model carry\n a behaviour, makes a mask that runs them more or less often, and evaluates it.\n It reads models in GGUF and computes them with libllama, which it brings along.")
set(CPACK_PACKAGE_DIRECTORY ${PROJECT_BINARY_DIR}/packages)
set(CPACK_PACKAGE_CHECKSUM SHA256)
set(CPACK_STRIP_FILES ON)
set(CPACK_GENERATOR "TGZ;DEB")
set(CPACK_PRE_BUILD_SCRIPTS ${CMAKE_CURRENT_LIST_DIR}/pack_stage.cmake)
set(CPACK_MASCING_SOURCE ${PROJECT_SOURCE_DIR})
set(CPACK_MASCING_BUILD ${PROJECT_BINARY_DIR})

set(CPACK_PACKAGE_FILE_NAME mascing-${PROJECT_VERSION}-linux-${CMAKE_SYSTEM_PROCESSOR})

set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_PACKAGE_SECTION science)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS ${MASCING_LLAMA_BUILD}/bin)
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS ca-certificates)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
include(CPack)

# What the SPDX list says of the sources (tools/pack/sbom.py): where they are pinned, as this build took them.
file(WRITE ${PROJECT_BINARY_DIR}/sbom.json "{
  \"version\": \"${PROJECT_VERSION}\",
  \"maintainer\": \"${MASCING_MAINTAINER}\",
  \"compiler\": \"${CMAKE_CXX_COMPILER_ID} ${CMAKE_CXX_COMPILER_VERSION}\",
  \"llama\": {${MASCING_LLAMA_FACTS}},
  \"web\": \"${MASCING_WEB_FOLDER}\"
}
")
