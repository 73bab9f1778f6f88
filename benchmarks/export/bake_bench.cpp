// Baking against a plain copy of the same file: a model with the shapes of Qwen3-30B-A3B (48 layers
// of 128 experts, width 2048) and as many expert weights as the wanted size asks for.
//   bake_bench [GIGABYTES = 2] [FOLDER = the system's temporary one]
// Prints seconds of copy and bake (each synced to the disk, four times, in turns), their ratio, and
// the most memory used.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include <sys/resource.h>

#include "base/files.h"
#include "base/random.h"
#include "export/bake_gguf.h"
#include "format/gguf.h"
#include "format/model_file.h"
#include "mascing/error.h"

namespace {

using namespace mascing;  // NOLINT: a program of one file

constexpr int64_t kLayers = 48;
constexpr int64_t kExperts = 128;
constexpr int64_t kEmbd = 2048;
constexpr int kTurns = 4;  // of each side; even

struct Info {
  std::string name;
  std::vector<int64_t> dims;
  int32_t type = 0;
  int64_t size_bytes = 0;
};

template <typename T>
void append(std::string& out, T value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof(value));
}

std::vector<Info> tensors_of(int64_t size_bytes) {
  const int64_t n_row = size_bytes / kLayers / (kEmbd * 2);
  std::vector<Info> infos;
  for (int64_t l = 0; l < kLayers; ++l) {
    const std::string block = "blk." + std::to_string(l);
    infos.push_back(
        {block + ".ffn_gate_inp.weight", {kEmbd, kExperts}, kGgufF32, kEmbd * kExperts * 4});
    infos.push_back({block + ".ffn_up_exps.weight", {kEmbd, n_row}, kGgufF16, kEmbd * n_row * 2});
  }
  return infos;
}

void write_model(const std::string& path, int64_t size_bytes) {
  GgufWriter keys;
  keys.set_string("general.architecture", "qwen3moe");
  keys.set_string("general.name", "random");
  keys.set_uint32("qwen3moe.block_count", kLayers);
  keys.set_uint32("qwen3moe.embedding_length", kEmbd);
  keys.set_uint32("qwen3moe.context_length", 1024);
  keys.set_uint32("qwen3moe.expert_count", kExperts);
  keys.set_uint32("qwen3moe.expert_used_count", 8);
  const std::vector<Info> infos = tensors_of(size_bytes);
  std::string header = "GGUF";
  append<uint32_t>(header, 3);
  append<uint64_t>(header, infos.size());
  append<uint64_t>(header, static_cast<uint64_t>(keys.n_key()));
  header += keys.metadata_bytes();
  uint64_t offset = 0;
  for (const Info& info : infos) {
    append<uint64_t>(header, info.name.size());
    header += info.name;
    append<uint32_t>(header, 2);
    append(header, info.dims[0]);
    append(header, info.dims[1]);
    append(header, info.type);
    append(header, offset);
    offset += static_cast<uint64_t>(info.size_bytes);
  }
  header.append((32 - header.size() % 32) % 32, '\0');
  Rng rng(1);
  std::string noise(size_t{1} << 20, '\0');
  for (char& byte : noise) {
    byte = static_cast<char>(rng.below(60));  // as float or half: small and finite
  }
  AtomicFile file(path);
  file.write(header);
  for (const Info& info : infos) {
    for (int64_t left = info.size_bytes; left > 0; left -= static_cast<int64_t>(noise.size())) {
      file.write(noise.data(), static_cast<size_t>(std::min<int64_t>(left, noise.size())));
    }
  }
  file.commit();
}

RouterUpdate update_for(const std::string& model) {
  const ModelInfo info = read_model_info(model);
  RouterUpdate update;
  update.n_layer = info.n_layer;
  update.n_expert = info.n_expert;
  update.n_embd = info.n_embd;
  update.blocks = info.blocks;
  update.origin.fingerprint = info.fingerprint;
  for (int64_t l = 0; l < kLayers; ++l) {
    LayerUpdate layer;
    layer.i_layer = l;
    layer.rank = 16;
    layer.down.assign(static_cast<size_t>(layer.rank * kEmbd), 0.01F);
    layer.up.assign(static_cast<size_t>(kExperts * layer.rank), 0.02F);
    update.layers.push_back(std::move(layer));
  }
  return update;
}

template <typename Work>
double seconds_of(const Work& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

void run(double gigabytes, const std::string& folder) {
  const std::string model = folder + "/bake-bench-model.gguf";
  const std::string copy = folder + "/bake-bench-copy.gguf";
  const std::string baked = folder + "/bake-bench-baked.gguf";
  write_model(model, static_cast<int64_t>(gigabytes * 1e9));
  const RouterUpdate update = update_for(model);
  // `cp` and the wait for the disk are what a user would do by hand.
  const std::string command = "cp '" + model + "' '" + copy + "' && sync -d '" + copy + "'";
  double copied = 0.0;
  double bake = 0.0;
  const auto time_copy = [&] {
    copied += seconds_of([&] {
      if (std::system(command.c_str()) != 0) {  // NOLINT: a fixed command
        throw Error(ErrorKind::kSystem, "[bench] cp failed");
      }
    });
    std::filesystem::remove(copy);
  };
  const auto time_bake = [&] {
    bake += seconds_of([&] { bake_gguf(model, baked, update, plain_codec()); });
    std::filesystem::remove(baked);
  };
  // Each side goes first as often as the other, and leaves nothing in the cache of files.
  for (int i = 0; i < kTurns / 2; ++i) {
    time_copy();
    time_bake();
    time_bake();
    time_copy();
  }
  std::filesystem::remove(model);
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  std::printf("%.1f GB: copy %.2f s, bake %.2f s, copy/bake %.2f, most memory %.0f MB\n",
              gigabytes,
              copied / kTurns,
              bake / kTurns,
              copied / bake,
              static_cast<double>(usage.ru_maxrss) / 1024.0);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    run(argc > 1 ? std::atof(argv[1]) : 2.0,
        argc > 2 ? argv[2] : std::filesystem::temp_directory_path().string());
    return 0;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "bake_bench: %s\n", e.what());
    return 1;
  }
}
