// mascing-zoo: writes the models of the zoo into a folder.
#include <cstdio>
#include <exception>
#include <filesystem>
#include <string>

#include "mascing/error.h"
#include "zoo.h"

int main(int argc, char** argv) {
  const std::string command = argc > 1 ? argv[1] : "";
  if (command == "list" && argc == 2) {
    for (const mascing::ZooModel& model : mascing::zoo_models()) {
      std::printf("%s\n", model.name.c_str());
    }
    return 0;
  }
  if (command != "write" || argc < 3) {
    std::fprintf(stderr,
                 "Example:\n  mascing-zoo write FOLDER qwen3moe gpt-oss\n\n"
                 "Writes small models with random weights, NAME.gguf each; all of them if none is "
                 "named.\n  mascing-zoo list    their names\n");
    return 2;
  }
  try {
    for (int i = 3; i < argc; ++i) {
      (void)mascing::zoo_model(argv[i]);
    }
    std::filesystem::create_directories(argv[2]);
    for (const mascing::ZooModel& model : mascing::zoo_models()) {
      bool is_wanted = argc == 3;
      for (int i = 3; i < argc; ++i) {
        is_wanted = is_wanted || model.name == argv[i];
      }
      if (is_wanted) {
        const std::string path = std::string(argv[2]) + "/" + model.name + ".gguf";
        mascing::write_zoo_model(model, 1, path);
        std::printf("%s\n", path.c_str());
      }
    }
  } catch (const mascing::Error& error) {
    std::fprintf(
        stderr, "mascing-zoo: error: %s\n  hint: %s\n", error.what(), error.hint().c_str());
    return error.kind() == mascing::ErrorKind::kUsage ? 2 : 1;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "mascing-zoo: error: %s\n", error.what());
    return 1;
  }
  return 0;
}
