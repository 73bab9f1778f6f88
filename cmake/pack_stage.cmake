# Run by CPack on the folder it is about to pack: tools/pack/stage.py completes it for this form of package.
find_program(python python3 REQUIRED)
string(TOLOWER ${CPACK_GENERATOR} form)
execute_process(COMMAND ${python} ${CPACK_MASCING_SOURCE}/tools/pack/stage.py ${form} ${CPACK_TEMPORARY_INSTALL_DIRECTORY}
                        ${CPACK_MASCING_SOURCE} ${CPACK_MASCING_BUILD}
                RESULT_VARIABLE failed)
if(failed)
  message(FATAL_ERROR "tools/pack/stage.py failed, see above")
endif()
