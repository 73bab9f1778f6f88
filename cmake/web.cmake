# The scripts of report.html and of `mascing console` (web/): bundled by esbuild from npm and written as a C++ source, so
# that every page carries them. Where npm is missing or cannot install, the build says so: reports are plain, complete but
# for conversations, the routing map and sorting, and there is no console.
#
# Sets MASCING_WEB_SOURCE, the source to compile, and MASCING_WEB_FOLDER, where the packages are; empty without npm.

option(MASCING_WEB "Bundle the scripts of report.html and of the console (needs npm)" ON)
set(MASCING_WEB_FOLDER "")
set(web_source ${PROJECT_SOURCE_DIR}/web)
set(web_build ${PROJECT_BINARY_DIR}/web)
find_program(MASCING_NPM npm)
find_program(MASCING_NODE NAMES node nodejs)

# Installs what package-lock.json pins, once per version of it.
function(mascing_install_web_packages)
  foreach(name package.json package-lock.json .npmrc build.mjs)
    configure_file(${web_source}/${name} ${web_build}/${name} COPYONLY)
  endforeach()
  file(SHA256 ${web_source}/package-lock.json lock)
  set(stamp ${web_build}/installed-${lock})
  if(NOT EXISTS ${stamp})
    # npm begins by removing what is there: a stamp of another version would outlive what it stands for.
    file(GLOB old_stamps ${web_build}/installed-*)
    if(old_stamps)
      file(REMOVE ${old_stamps})
    endif()
    message(STATUS "mascing: installing the packages of web/ with npm")
    execute_process(COMMAND ${MASCING_NPM} ci --no-audit --no-fund --loglevel=error WORKING_DIRECTORY ${web_build}
                    RESULT_VARIABLE failed OUTPUT_QUIET ERROR_VARIABLE words TIMEOUT 300)
    if(failed)
      message(WARNING "mascing: npm could not install the packages of web/, so report.html will be the plain page and "
                      "mascing console will be missing (to try again: cmake ${PROJECT_BINARY_DIR}).\n${words}")
      return()
    endif()
    file(TOUCH ${stamp})
  endif()
  set(MASCING_WEB_FOLDER ${web_build} PARENT_SCOPE)
endfunction()

if(NOT MASCING_WEB)
  message(STATUS "mascing: MASCING_WEB is off, so report.html will be the plain page and mascing console will be missing")
elseif(NOT MASCING_NPM OR NOT MASCING_NODE)
  message(STATUS "mascing: npm was not found, so report.html will be the plain page and mascing console will be missing "
                 "(install npm and configure again)")
else()
  mascing_install_web_packages()
endif()

if(MASCING_WEB_FOLDER)
  set(MASCING_WEB_SOURCE ${web_build}/report_bundle.cpp)
  file(GLOB web_files CONFIGURE_DEPENDS ${web_source}/src/*)
  add_custom_command(OUTPUT ${MASCING_WEB_SOURCE}
                     COMMAND ${MASCING_NODE} build.mjs ${web_source}/src ${MASCING_WEB_SOURCE}
                     WORKING_DIRECTORY ${web_build}
                     DEPENDS ${web_files} ${web_source}/build.mjs ${web_source}/package-lock.json
                     COMMENT "Bundling the scripts of report.html and of the console" VERBATIM)
else()
  set(MASCING_WEB_SOURCE ${PROJECT_SOURCE_DIR}/src/report/no_bundle.cpp)
endif()
