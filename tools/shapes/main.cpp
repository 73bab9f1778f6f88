// Writes models of random weights with the shapes of published ones, to measure speed and memory
// without the weights.
#include <cstdio>
#include <exception>
#include <map>
#include <string>

#include <CLI/CLI.hpp>

#include "mascing/error.h"
#include "shape.h"

namespace mascing {
namespace {

constexpr const char* kDescription =
    "Example: shapes write Qwen1.5-MoE-A2.7B -o qwen.gguf --layers 4\n\n"
    "Writes a GGUF file with random weights and the exact hyper-parameters of a published\n"
    "Mixture-of-Experts model: for timings, and for nothing else.";

const std::map<std::string, int32_t> kTypes = {{"q4_0", 2}, {"q8_0", 8}, {"mxfp4", 39}, {"f16", 1}};

struct Options {
  std::string name;
  std::string path;
  int64_t n_layer = 0;
  std::string type = "q4_0";
  std::string matrix_type;
  uint64_t seed = 0;
};

ShapeFileOptions types_of(const Options& options) {
  const int32_t type = kTypes.at(options.type);
  // gpt-oss is published with MXFP4 experts and everything else in eight bits or more.
  const int32_t matrix = options.type == "mxfp4" ? kTypes.at("q8_0") : type;
  return {
      type, options.matrix_type.empty() ? matrix : kTypes.at(options.matrix_type), options.seed};
}

void list() {
  std::printf("%-18s %-12s %6s %6s %7s %5s %8s %12s %9s\n",
              "model",
              "architecture",
              "layers",
              "width",
              "experts",
              "top-k",
              "vocab",
              "parameters",
              "Q4_0, GB");
  for (const ModelShape& s : known_shapes()) {
    std::printf("%-18s %-12s %6lld %6lld %7lld %5lld %8lld %10.2f B %9.1f\n",
                s.name.c_str(),
                s.architecture.c_str(),
                static_cast<long long>(s.n_layer),
                static_cast<long long>(s.n_embd),
                static_cast<long long>(s.n_expert),
                static_cast<long long>(s.n_expert_used),
                static_cast<long long>(s.n_vocab),
                static_cast<double>(count_parameters(s)) / 1e9,
                static_cast<double>(file_bytes(s, {})) / 1e9);
  }
}

void write(const Options& options) {
  ModelShape shape = find_shape(options.name);
  if (options.n_layer > shape.n_layer) {
    throw Error(ErrorKind::kUsage,
                "[shapes] " + shape.name + " has " + std::to_string(shape.n_layer) + " layers, " +
                    std::to_string(options.n_layer) + " were asked for");
  }
  if (options.n_layer > 0) {
    if (options.n_layer <= shape.n_dense_lead) {
      throw Error(ErrorKind::kUsage, "[shapes] so few layers leave no router");
    }
    shape.n_layer = options.n_layer;
    shape.name += ", " + std::to_string(options.n_layer) + " layers";
  }
  write_shape(shape, types_of(options), options.path);
  std::printf("%s: %s, %.2f B parameters, %.2f GB\n",
              options.path.c_str(),
              shape.name.c_str(),
              static_cast<double>(count_parameters(shape)) / 1e9,
              static_cast<double>(file_bytes(shape, types_of(options))) / 1e9);
}

int run(int argc, char** argv) {
  CLI::App app(kDescription, "shapes");
  app.require_subcommand(1);
  Options options;
  app.add_subcommand("list", "the models that are known")->callback(list);
  CLI::App* command = app.add_subcommand("write", "write one of them");
  command->add_option("model", options.name, "its name, as `shapes list` has it")->required();
  command->add_option("-o,--output", options.path, "GGUF file to write")->required();
  command->add_option("--layers", options.n_layer, "fewer layers of the same widths")
      ->check(CLI::PositiveNumber);
  command->add_option("--type", options.type, "of the experts: q4_0 (default), q8_0, mxfp4, f16")
      ->check(CLI::IsMember(kTypes));
  command->add_option("--matrix-type", options.matrix_type, "of all other matrices")
      ->check(CLI::IsMember(kTypes));
  command->add_option("--seed", options.seed, "of the weights");
  command->callback([&] { write(options); });
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : 2;
  }
  return 0;
}

}  // namespace
}  // namespace mascing

int main(int argc, char** argv) {
  try {
    return mascing::run(argc, argv);
  } catch (const mascing::Error& e) {
    std::fprintf(stderr, "shapes: error: %s\n", e.what());
    if (!e.hint().empty()) {
      std::fprintf(stderr, "hint: %s\n", e.hint().c_str());
    }
    return e.kind() == mascing::ErrorKind::kUsage ? 2 : 1;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "shapes: error: %s\n", e.what());
    return 1;
  }
}
