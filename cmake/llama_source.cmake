# Where llama.cpp's source comes from, and whether it is the pinned one. Three ways lead to the same files:
#   * nothing given: the git bundle in the npm package node-llama-cpp, fetched with `npm pack` (SHA-512 of the package);
#   * MASCING_LLAMA_SOURCE=ARCHIVE: a release archive (.tar.gz, .zip and what else CMake unpacks);
#   * MASCING_LLAMA_SOURCE=FOLDER: an unpacked archive or a checkout.
# Archives of the same release differ in their bytes from host to host, so the last two are checked by what they hold:
# SHA-256 over the sorted list "hash path" of every file that the build reads. Another version needs
# MASCING_LLAMA_UNPINNED=ON.
#
# As a script, without a build: cmake -DSOURCE=FOLDER_OR_ARCHIVE -DINTO=FOLDER -P cmake/llama_source.cmake

set(llama_package node-llama-cpp)
set(llama_package_version 3.22.1)
set(llama_version v0.5.0)
set(llama_commit de3ff81)
set(llama_sha512
    6e5b488a9b9699cd76dc7eed30880318a4ac4ab866865418795502e3c5d38d55bb5c624988927209d95333343f2e25a83e4183a5c2f816f883a60c3ba9f4e20f)
set(llama_tree_sha256 7b4b5dcfff3b6ef729c145e58f9849bd56ca3b82bb62dc5e63f471ddde2c7c6a)

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

# SHA-256 of what `folder` holds of llama.cpp: every file of these folders, whatever its time, rights or owner.
function(mascing_llama_tree folder result)
  set(files CMakeLists.txt LICENSE)
  foreach(part cmake common ggml include licenses models/templates src tools vendor)
    file(GLOB_RECURSE found RELATIVE ${folder} ${folder}/${part}/*)
    list(APPEND files ${found})
  endforeach()
  list(SORT files)
  set(lines "")
  foreach(file IN LISTS files)
    set(sum missing)
    if(EXISTS ${folder}/${file})
      file(SHA256 ${folder}/${file} sum)
    endif()
    string(APPEND lines "${sum} ${file}\n")
  endforeach()
  string(SHA256 sum "${lines}")
  set(${result} ${sum} PARENT_SCOPE)
endfunction()

# Stops unless `folder` holds the pinned version; `given` is what the user named.
function(mascing_check_llama folder given)
  if(NOT EXISTS ${folder}/include/llama.h)
    message(FATAL_ERROR "${given} holds no llama.cpp: include/llama.h is missing.\n"
                        "hint: MASCING_LLAMA_SOURCE takes a release archive of llama.cpp ${llama_version} or its folder")
  endif()
  mascing_llama_tree(${folder} actual)
  if(NOT actual STREQUAL llama_tree_sha256)
    message(FATAL_ERROR "${given} is not llama.cpp ${llama_version}: its files have SHA-256 ${actual}, expected "
                        "${llama_tree_sha256}.\n"
                        "hint: take a clean copy of ${llama_version} (git -C FOLDER status says what differs); to build "
                        "against another version at your own risk, add -DMASCING_LLAMA_UNPINNED=ON")
  endif()
endfunction()

# Stops unless `archive` is the pinned package, and removes it then.
function(mascing_check_package archive)
  file(SHA512 ${archive} actual)
  if(NOT actual STREQUAL llama_sha512)
    file(REMOVE ${archive})
    message(FATAL_ERROR "${archive} has SHA-512 ${actual}, expected ${llama_sha512}; it was removed.\n"
                        "hint: configure again; if this repeats, the registry serves another file")
  endif()
endfunction()

# Leaves the source that the npm package ships in `folder`/source.
function(mascing_fetch_llama cache folder)
  set(name ${llama_package}-${llama_package_version}.tgz)
  set(archive ${cache}/${name})
  if(NOT EXISTS ${archive})
    message(STATUS "Fetching llama.cpp ${llama_version} (npm pack ${llama_package}@${llama_package_version})")
    find_program(MASCING_NPM npm)
    if(NOT MASCING_NPM)
      message(FATAL_ERROR "npm, which fetches llama.cpp, was not found.\n"
                          "hint: install npm, or give a release archive or a folder of llama.cpp ${llama_version}: "
                          "-DMASCING_LLAMA_SOURCE=PATH")
    endif()
    # Not at once under its name: a build of another kind may be looking for the archive there.
    file(REMOVE_RECURSE ${folder}/fetched)
    file(MAKE_DIRECTORY ${folder}/fetched)
    mascing_run("npm pack" "npm must reach its registry; or give -DMASCING_LLAMA_SOURCE=PATH with llama.cpp ${llama_version}"
                ${MASCING_NPM} pack --loglevel=error ${llama_package}@${llama_package_version}
                --pack-destination ${folder}/fetched)
    mascing_check_package(${folder}/fetched/${name})
    file(RENAME ${folder}/fetched/${name} ${archive})
    file(REMOVE_RECURSE ${folder}/fetched)
  endif()
  mascing_check_package(${archive})
  file(REMOVE_RECURSE ${folder}/source ${folder}/package)
  mascing_run("unpacking ${archive}" "is the disk full?" ${CMAKE_COMMAND} -E chdir ${folder}
              ${CMAKE_COMMAND} -E tar xzf ${archive} package/llama/gitRelease.bundle)
  mascing_run("git clone of the bundle" "is git installed?" git clone --quiet -c advice.detachedHead=false
              ${folder}/package/llama/gitRelease.bundle ${folder}/source)
  file(REMOVE_RECURSE ${folder}/package)
endfunction()

# Unpacks an archive into `folder`; `result` is where its source begins: there, or in the one folder it holds.
function(mascing_unpack_llama archive folder result)
  file(REMOVE_RECURSE ${folder})
  file(MAKE_DIRECTORY ${folder})
  mascing_run("unpacking ${archive}" "MASCING_LLAMA_SOURCE takes a folder or an archive (.tar.gz, .zip)"
              ${CMAKE_COMMAND} -E chdir ${folder} ${CMAKE_COMMAND} -E tar xf ${archive})
  file(GLOB inside LIST_DIRECTORIES true ${folder}/*)
  list(LENGTH inside n_inside)
  if(n_inside EQUAL 1 AND IS_DIRECTORY ${inside})
    set(${result} ${inside} PARENT_SCOPE)
  else()
    set(${result} ${folder} PARENT_SCOPE)
  endif()
endfunction()

# Leaves what the user named, checked, in `folder`/source.
function(mascing_take_llama given folder)
  if(IS_DIRECTORY ${given})
    mascing_check_llama(${given} ${given})
    file(REMOVE_RECURSE ${folder}/source)
    file(COPY ${given}/ DESTINATION ${folder}/source PATTERN .git EXCLUDE)
  elseif(EXISTS ${given})
    mascing_unpack_llama(${given} ${folder}/unpacked unpacked)
    mascing_check_llama(${unpacked} ${given})
    file(REMOVE_RECURSE ${folder}/source)
    file(RENAME ${unpacked} ${folder}/source)
    file(REMOVE_RECURSE ${folder}/unpacked)
  else()
    message(FATAL_ERROR "MASCING_LLAMA_SOURCE: ${given} does not exist.\nhint: give the absolute path")
  endif()
endfunction()

if(CMAKE_SCRIPT_MODE_FILE STREQUAL CMAKE_CURRENT_LIST_FILE)
  if(NOT INTO)
    message(FATAL_ERROR "usage: cmake -DSOURCE=FOLDER_OR_ARCHIVE -DINTO=FOLDER -P cmake/llama_source.cmake\n"
                        "hint: INTO/source will hold the checked files")
  endif()
  mascing_take_llama(${SOURCE} ${INTO})
  message(STATUS "llama.cpp ${llama_version}: ${SOURCE}")
endif()
