// Only this file is compiled with the names of compiler and build type.
#include "cli/build_facts.h"

#include "mascing/engine_facts.h"
#include "mascing/version.h"

namespace mascing::cli {

std::string compiler_name() {
  return MASCING_COMPILER;
}

std::string build_type() {
  return MASCING_BUILD_TYPE;
}

std::string version_text() {
  const EngineFacts engine = engine_facts();
  std::string back_ends;
  for (const std::string& name : engine.back_ends) {
    back_ends += (back_ends.empty() ? "" : ", ") + name;
  }
  return std::string("mascing ") + version() + "\ncompiler   " + compiler_name() + ", " +
         build_type() + " build\nengine     " + engine.version +
         (engine.commit.empty() ? "" : " (commit " + engine.commit + ")") + "\nback ends  " +
         back_ends;
}

}  // namespace mascing::cli
