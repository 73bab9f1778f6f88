# Provides the target mascing_llama_cpp: libllama and its `common` library, static, at one pinned version.
#
# The source is the git bundle of llama.cpp v0.5.0 that the npm package node-llama-cpp ships; it is fetched with
# `npm pack`, checked against its SHA-512, and built once per machine into a cache outside the tree:
#   $MASCING_CACHE_DIR, else $XDG_CACHE_HOME/mascing, else ~/.cache/mascing
# under a name that holds version, compiler, flags and processor. -DMASCING_LLAMA_SOURCE=DIR takes a checkout instead.

set(llama_package node-llama-cpp)
set(llama_package_version 3.22.1)
set(llama_version v0.5.0)
set(llama_sha512
    6e5b488a9b9699cd76dc7eed30880318a4ac4ab866865418795502e3c5d38d55bb5c624988927209d95333343f2e25a83e4183a5c2f816f883a60c3ba9f4e20f)

function(mascing_cache_folder result)
  if(DEFINED ENV{MASCING_CACHE_DIR})
    set(folder $ENV{MASCING_CACHE_DIR})
  elseif(DEFINED ENV{XDG_CACHE_HOME})
    set(folder $ENV{XDG_CACHE_HOME}/mascing)
  else()
    set(folder $ENV{HOME}/.cache/mascing)
  endif()
  set(${result} ${folder} PARENT_SCOPE)
endfunction()

# Runs a command; on failure stops the configuration with its last output and a hint.
function(mascing_run what hint)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(NOT status EQUAL 0)
    string(LENGTH "${output}" length)
    if(length GREATER 4000)
      math(EXPR start "${length} - 4000")
      string(SUBSTRING "${output}" ${start} -1 output)
    endif()
    message(FATAL_ERROR "${what} failed (${status}):\n${output}\nhint: ${hint}")
  endif()
endfunction()

# Leaves the pinned source in `folder`/source.
function(mascing_fetch_llama cache folder)
  set(archive ${cache}/${llama_package}-${llama_package_version}.tgz)
  if(NOT EXISTS ${archive})
    message(STATUS "Fetching llama.cpp ${llama_version} (npm pack ${llama_package}@${llama_package_version})")
    find_program(MASCING_NPM npm REQUIRED)
    mascing_run("npm pack" "npm must reach its registry; or give -DMASCING_LLAMA_SOURCE=DIR with a llama.cpp checkout"
                ${MASCING_NPM} pack --silent ${llama_package}@${llama_package_version} --pack-destination ${cache})
  endif()
  file(SHA512 ${archive} actual)
  if(NOT actual STREQUAL llama_sha512)
    file(REMOVE ${archive})
    message(FATAL_ERROR "${archive} has SHA-512 ${actual}, expected ${llama_sha512}; it was removed.\n"
                        "hint: configure again; if this repeats, the registry serves another file")
  endif()
  file(REMOVE_RECURSE ${folder}/source ${folder}/package)
  mascing_run("unpacking ${archive}" "is the disk full?" ${CMAKE_COMMAND} -E chdir ${folder}
              ${CMAKE_COMMAND} -E tar xzf ${archive} package/llama/gitRelease.bundle)
  mascing_run("git clone of the bundle" "is git installed?" git clone --quiet -c advice.detachedHead=false
              ${folder}/package/llama/gitRelease.bundle ${folder}/source)
  file(REMOVE_RECURSE ${folder}/package)
endfunction()

set(llama_cxx_flags "")
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  # The AMX path crashes on virtual machines that announce AMX (llama.cpp issue 20824).
  set(llama_cxx_flags "-mno-amx-tile -mno-amx-int8 -mno-amx-bf16")
endif()
set(llama_options
    -DCMAKE_BUILD_TYPE=Release -DBUILD_SHARED_LIBS=OFF -DCMAKE_POSITION_INDEPENDENT_CODE=ON
    -DLLAMA_BUILD_COMMON=ON -DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_EXAMPLES=OFF -DLLAMA_BUILD_TOOLS=OFF
    -DLLAMA_BUILD_SERVER=OFF -DLLAMA_BUILD_APP=OFF -DLLAMA_BUILD_UI=OFF -DLLAMA_USE_PREBUILT_UI=OFF
    -DLLAMA_OPENSSL=OFF -DLLAMA_SUBPROCESS=OFF -DGGML_RPC=ON -DGGML_CCACHE=OFF -DGGML_NATIVE=${MASCING_NATIVE}
    -DCMAKE_C_COMPILER=${CMAKE_C_COMPILER} -DCMAKE_CXX_COMPILER=${CMAKE_CXX_COMPILER}
    "-DCMAKE_C_FLAGS=${llama_cxx_flags}" "-DCMAKE_CXX_FLAGS=${llama_cxx_flags}")

# A GPU: the same source built with CUDA, into a cache folder of its own.
set(llama_cuda "")
if(MASCING_CUDA)
  list(APPEND llama_options -DGGML_CUDA=ON -DGGML_CUDA_NCCL=OFF)
  if(MASCING_CUDA_ARCHITECTURES)
    list(APPEND llama_options -DCMAKE_CUDA_ARCHITECTURES=${MASCING_CUDA_ARCHITECTURES})
  endif()
endif()

set(processor "generic")
if(MASCING_NATIVE AND EXISTS /proc/cpuinfo)
  file(STRINGS /proc/cpuinfo processor REGEX "^(flags|Features)" LIMIT_COUNT 1)
endif()
string(SHA256 llama_key
       "${llama_options};${CMAKE_CXX_COMPILER_ID};${CMAKE_CXX_COMPILER_VERSION};${processor};${MASCING_LLAMA_SOURCE}")
string(SUBSTRING ${llama_key} 0 12 llama_key)
mascing_cache_folder(cache)
set(llama_folder ${cache}/llama-${llama_version}-${llama_key})
file(MAKE_DIRECTORY ${llama_folder})

# Two builds at once wait for each other; the stamp is written last.
file(LOCK ${llama_folder}/.lock GUARD FILE TIMEOUT 1800)
if(MASCING_LLAMA_SOURCE)
  set(llama_source ${MASCING_LLAMA_SOURCE})
else()
  set(llama_source ${llama_folder}/source)
endif()
if(NOT EXISTS ${llama_folder}/.complete)
  if(NOT MASCING_LLAMA_SOURCE)
    mascing_fetch_llama(${cache} ${llama_folder})
  endif()
  message(STATUS "Building libllama into ${llama_folder} (once per machine, some minutes)")
  mascing_run("configuring llama.cpp" "see the message above" ${CMAKE_COMMAND} -S ${llama_source}
              -B ${llama_folder}/build -G ${CMAKE_GENERATOR} ${llama_options})
  cmake_host_system_information(RESULT n_core QUERY NUMBER_OF_LOGICAL_CORES)
  mascing_run("building llama.cpp" "see the message above" ${CMAKE_COMMAND} --build ${llama_folder}/build
              --target llama llama-common --parallel ${n_core})
  file(TOUCH ${llama_folder}/.complete)
endif()
file(LOCK ${llama_folder}/.lock RELEASE)
message(STATUS "libllama: ${llama_folder}")

find_package(OpenMP REQUIRED)
set(llama_build ${llama_folder}/build)
if(MASCING_CUDA)
  find_package(CUDAToolkit REQUIRED)
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
set(MASCING_LLAMA_ARCHIVES ${llama_archives} CACHE INTERNAL "libllama's static libraries, in an order to link them in")

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
