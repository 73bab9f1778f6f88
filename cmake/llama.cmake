# Provides the target mascing_llama_cpp: libllama and its `common` library at one pinned version (llama_source.cmake says
# where its source comes from). It is built once per machine into a cache outside the tree:
#   $MASCING_CACHE_DIR, else $XDG_CACHE_HOME/mascing, else ~/.cache/mascing
# under a name that holds version, compiler, flags and processor. The libraries are static and made for this processor;
# with MASCING_PORTABLE they are shared, and ggml chooses its CPU code for the processor where it runs.

include(${CMAKE_CURRENT_LIST_DIR}/llama_source.cmake)

function(mascing_cache_folder result)
  if(NOT "$ENV{MASCING_CACHE_DIR}" STREQUAL "")
    set(folder "$ENV{MASCING_CACHE_DIR}")
  elseif(NOT "$ENV{XDG_CACHE_HOME}" STREQUAL "")
    set(folder "$ENV{XDG_CACHE_HOME}/mascing")
  else()
    set(folder "$ENV{HOME}/.cache/mascing")
  endif()
  if(NOT IS_ABSOLUTE "${folder}")
    message(FATAL_ERROR "The cache for libllama would be ${folder}, expected an absolute path.\n"
                        "hint: set MASCING_CACHE_DIR to one")
  endif()
  set(${result} ${folder} PARENT_SCOPE)
endfunction()

set(llama_cxx_flags "")
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  # The AMX path crashes on virtual machines that announce AMX (llama.cpp issue 20824).
  set(llama_cxx_flags "-mno-amx-tile -mno-amx-int8 -mno-amx-bf16")
endif()
set(llama_options
    -DCMAKE_BUILD_TYPE=Release -DBUILD_SHARED_LIBS=${MASCING_PORTABLE} -DCMAKE_POSITION_INDEPENDENT_CODE=ON
    -DLLAMA_BUILD_COMMON=ON -DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_EXAMPLES=OFF -DLLAMA_BUILD_TOOLS=OFF
    -DLLAMA_BUILD_SERVER=OFF -DLLAMA_BUILD_APP=OFF -DLLAMA_BUILD_UI=OFF -DLLAMA_USE_PREBUILT_UI=OFF
    -DLLAMA_OPENSSL=OFF -DLLAMA_SUBPROCESS=OFF -DGGML_RPC=ON -DGGML_CCACHE=OFF -DGGML_NATIVE=${MASCING_NATIVE}
    -DCMAKE_C_COMPILER=${CMAKE_C_COMPILER} -DCMAKE_CXX_COMPILER=${CMAKE_CXX_COMPILER}
    "-DCMAKE_C_FLAGS=${llama_cxx_flags}" "-DCMAKE_CXX_FLAGS=${llama_cxx_flags}")

# Any processor: ggml's CPU code as one module for each generation of them, found beside libggml itself.
if(MASCING_PORTABLE)
  list(APPEND llama_options -DGGML_BACKEND_DL=ON -DGGML_CPU_ALL_VARIANTS=ON -DCMAKE_BUILD_WITH_INSTALL_RPATH=ON
                            -DCMAKE_INSTALL_RPATH=\$ORIGIN)
endif()

# A GPU: the same source built with CUDA, into a cache folder of its own for each version of the toolkit.
set(llama_cuda "")
set(llama_toolkit "")
if(MASCING_CUDA)
  find_package(CUDAToolkit REQUIRED)
  set(llama_toolkit ";cuda ${CUDAToolkit_VERSION}")
  list(APPEND llama_options -DGGML_CUDA=ON -DGGML_CUDA_NCCL=OFF)
  if(MASCING_CUDA_ARCHITECTURES)
    list(APPEND llama_options -DCMAKE_CUDA_ARCHITECTURES=${MASCING_CUDA_ARCHITECTURES})
  endif()
endif()

set(processor "generic")
if(MASCING_NATIVE AND EXISTS /proc/cpuinfo)
  file(STRINGS /proc/cpuinfo processor REGEX "^(flags|Features)" LIMIT_COUNT 1)
endif()
set(llama_unpinned "")
if(MASCING_LLAMA_SOURCE AND MASCING_LLAMA_UNPINNED)
  set(llama_unpinned ${MASCING_LLAMA_SOURCE})
endif()
string(SHA256 llama_key
       "${llama_options};${CMAKE_CXX_COMPILER_ID};${CMAKE_CXX_COMPILER_VERSION};${processor};${llama_unpinned}${llama_toolkit}")
string(SUBSTRING ${llama_key} 0 12 llama_key)
mascing_cache_folder(cache)
set(llama_folder ${cache}/llama-${llama_version}-${llama_key})
file(MAKE_DIRECTORY ${llama_folder})

# What changes no instruction stays out of the key: the commit where there is no git, paths in messages.
set(llama_facts -DLLAMA_BUILD_NUMBER=1 -DLLAMA_BUILD_COMMIT=${llama_commit})
if(llama_unpinned)
  set(llama_facts "")
endif()
if(MASCING_PORTABLE)
  list(APPEND llama_facts "-DCMAKE_C_FLAGS=${llama_cxx_flags} -ffile-prefix-map=${llama_folder}/source=llama.cpp"
                          "-DCMAKE_CXX_FLAGS=${llama_cxx_flags} -ffile-prefix-map=${llama_folder}/source=llama.cpp")
endif()

# Two builds at once wait for each other; the stamp is written last.
file(LOCK ${llama_folder}/.lock GUARD FILE TIMEOUT 3600)
set(llama_source ${llama_folder}/source)
if(llama_unpinned)
  set(llama_source ${llama_unpinned})
elseif(MASCING_LLAMA_SOURCE AND IS_DIRECTORY "${MASCING_LLAMA_SOURCE}" AND EXISTS ${llama_folder}/.complete)
  mascing_check_llama("${MASCING_LLAMA_SOURCE}" "${MASCING_LLAMA_SOURCE}")
elseif(MASCING_LLAMA_SOURCE AND NOT EXISTS ${llama_folder}/.complete)
  mascing_take_llama(${MASCING_LLAMA_SOURCE} ${llama_folder})
elseif(NOT EXISTS ${llama_folder}/.complete)
  mascing_fetch_llama(${cache} ${llama_folder})
endif()
if(NOT EXISTS ${llama_folder}/.complete)
  message(STATUS "Building libllama into ${llama_folder} (once per machine, some minutes)")
  mascing_run("configuring llama.cpp" "see the message above" ${CMAKE_COMMAND} -S ${llama_source}
              -B ${llama_folder}/build -G ${CMAKE_GENERATOR} ${llama_options} ${llama_facts})
  cmake_host_system_information(RESULT n_core QUERY NUMBER_OF_LOGICAL_CORES)
  mascing_run("building llama.cpp" "see the message above" ${CMAKE_COMMAND} --build ${llama_folder}/build
              --target llama llama-common --parallel ${n_core})
  # Its code for AMX crashes on virtual machines that announce AMX (llama.cpp issue 20824).
  file(REMOVE ${llama_folder}/build/bin/libggml-cpu-sapphirerapids.so)
  file(TOUCH ${llama_folder}/.complete)
endif()
file(LOCK ${llama_folder}/.lock RELEASE)
message(STATUS "libllama: ${llama_folder}")

find_package(OpenMP REQUIRED)
set(llama_build ${llama_folder}/build)
if(MASCING_CUDA)
  set(llama_cuda CUDA::cudart_static CUDA::cublas CUDA::cublasLt CUDA::cuda_driver)
endif()
set(MASCING_LLAMA_BUILD ${llama_build} CACHE INTERNAL "Where libllama was built; its tools are built there when asked for")
set(MASCING_LLAMA_RPC_SERVER ${llama_source}/tools/rpc/rpc-server.cpp CACHE INTERNAL "llama.cpp's rpc-server, for tests")
set(MASCING_LLAMA_TEMPLATES ${llama_source}/models/templates CACHE INTERNAL "Chat templates that llama.cpp is tested with")
set(llama_archives
    ${llama_build}/common/libllama-common.a ${llama_build}/common/libllama-common-base.a
    ${llama_build}/vendor/cpp-httplib/libcpp-httplib.a ${llama_build}/src/libllama.a
    ${llama_build}/ggml/src/libggml.a ${llama_build}/ggml/src/libggml-cpu.a
    ${llama_build}/ggml/src/ggml-rpc/libggml-rpc.a ${llama_build}/ggml/src/libggml-base.a)
if(MASCING_CUDA)
  list(APPEND llama_archives ${llama_build}/ggml/src/ggml-cuda/libggml-cuda.a)
endif()
if(MASCING_PORTABLE)
  set(llama_archives ${llama_build}/common/libllama-common-base.a)
  foreach(name llama-common llama ggml ggml-base)
    list(APPEND llama_archives ${llama_build}/bin/lib${name}.so)
  endforeach()
endif()
set(MASCING_LLAMA_ARCHIVES ${llama_archives} CACHE INTERNAL "libllama's libraries, in an order to link them in")

# ggml and its back ends refer to each other: all of it is one group for the linker. Where the package is installed, the
# archives stand beside our own.
set(llama_linked "")
foreach(archive ${llama_archives})
  get_filename_component(name ${archive} NAME)
  list(APPEND llama_linked $<BUILD_INTERFACE:${archive}>
                           $<INSTALL_INTERFACE:$<INSTALL_PREFIX>/${CMAKE_INSTALL_LIBDIR}/mascing/${name}>)
endforeach()
add_library(mascing_llama_cpp INTERFACE)
set_target_properties(mascing_llama_cpp PROPERTIES EXPORT_NAME llama_cpp)
target_include_directories(mascing_llama_cpp SYSTEM INTERFACE
    $<BUILD_INTERFACE:${llama_source}/include> $<BUILD_INTERFACE:${llama_source}/ggml/include>
    $<BUILD_INTERFACE:${llama_source}/common> $<BUILD_INTERFACE:${llama_source}/vendor>)
target_link_libraries(mascing_llama_cpp INTERFACE
    -Wl,--start-group ${llama_linked} ${llama_cuda} -Wl,--end-group
    OpenMP::OpenMP_CXX Threads::Threads ${CMAKE_DL_LIBS})

# For the SPDX list of the packages (cmake/pack.cmake).
set(MASCING_LLAMA_FACTS "\"version\": \"${llama_version}\", \"commit\": \"${llama_commit}\", \"tree_sha256\": \"${llama_tree_sha256}\", \
\"npm\": \"${llama_package}@${llama_package_version}\", \"npm_sha512\": \"${llama_sha512}\", \"folder\": \"${llama_source}\", \
\"is_unpinned\": \"${llama_unpinned}\"" CACHE INTERNAL "Pinned version of llama.cpp, as JSON")
