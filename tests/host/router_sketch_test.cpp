// Routers in every tensor type that can be written are those of the original; others are not.
#include "mascing/router_sketch.h"

#include <cmath>

#include <gtest/gtest.h>

#include "base/expect_error.h"
#include "base/random.h"
#include "base/temporary_folder.h"
#include "format/gguf.h"
#include "format/model_file.h"
#include "mascing/llama_host.h"
#include "mascing/mask.h"
#include "mascing/steering.h"

namespace mascing {
namespace {

constexpr int64_t kEmbd = 512;
constexpr int64_t kExpert = 32;
constexpr int32_t kF32 = 0;
constexpr int32_t kLastType = 64;

std::vector<float> normal_values(uint64_t seed, double heavy_tail = 0.0) {
  Rng rng(seed);
  std::vector<float> values(kEmbd * kExpert);
  for (float& value : values) {
    const double x = rng.normal();
    value = static_cast<float>(0.02 * x * (1.0 + heavy_tail * x * x));
  }
  return values;
}

std::vector<float> rounded(const std::vector<float>& values, int32_t type) {
  std::vector<std::byte> bytes(gguf_row_bytes(type, kEmbd) * kExpert);
  std::vector<float> back(values.size());
  ggml_codec().encode(type, values.data(), kExpert, kEmbd, bytes.data());
  ggml_codec().decode(type, bytes.data(), std::ssize(back), back.data());
  return back;
}

RouterSketch sketch_of(const std::vector<std::vector<float>>& routers, int32_t type) {
  RouterSketch sketch;
  for (const std::vector<float>& router : routers) {
    sketch.add(type, router.data(), std::ssize(router));
  }
  return sketch;
}

/// tq1_0, tq2_0, q1_0, q2_0: their rounding takes more than half of a router's norm.
bool is_too_coarse(int32_t type) {
  return type == 34 || type == 35 || type == 41 || type == 42;
}

std::vector<int32_t> writable_types(bool with_coarse = false) {
  std::vector<int32_t> types;
  for (int32_t type = 0; type < kLastType; ++type) {
    if (ggml_codec().can_encode(type) && gguf_row_bytes(type, kEmbd) > 0 &&
        (with_coarse || !is_too_coarse(type))) {
      types.push_back(type);
    }
  }
  return types;
}

double relative_distance(const std::vector<float>& a, const std::vector<float>& b) {
  double gap = 0.0;
  double norm = 0.0;
  for (size_t i = 0; i < a.size(); ++i) {
    gap += std::pow(static_cast<double>(a[i]) - static_cast<double>(b[i]), 2);
    norm += std::pow(static_cast<double>(b[i]), 2);
  }
  return std::sqrt(gap / norm);
}

class WritableTypes : public testing::TestWithParam<int32_t> {};

TEST_P(WritableTypes, KeepTheRoutersTheyAre) {
  const int32_t type = GetParam();
  for (const double tail : {0.0, 0.05}) {
    std::vector<std::vector<float>> routers;
    std::vector<std::vector<float>> stored;
    for (uint64_t seed = 0; seed < 12; ++seed) {
      routers.push_back(normal_values(seed, tail));
      stored.push_back(rounded(routers.back(), type));
    }
    RecordProperty("distance", std::to_string(relative_distance(stored[0], routers[0])));
    EXPECT_TRUE(agree(sketch_of(routers, kF32), sketch_of(stored, type)))
        << gguf_type_name(type) << ": " << relative_distance(stored[0], routers[0]) << " of "
        << rounding_tolerance(type);
  }
}

TEST_P(WritableTypes, AreNotTheRoutersOfAnotherModel) {
  const int32_t type = GetParam();
  const std::vector<float> original = normal_values(1);
  const std::vector<float> other = rounded(normal_values(2), type);
  EXPECT_FALSE(agree(sketch_of({original}, kF32), sketch_of({other}, type)));
  EXPECT_FALSE(agree(sketch_of({other}, type), sketch_of({rounded(original, type)}, type)));
}

/// A fine-tune that moves the routers by more than the type's rounding does, twice over.
TEST_P(WritableTypes, AreNotThoseOfAFineTune) {
  const int32_t type = GetParam();
  const double change = std::max(1e-4, 2.0 * rounding_tolerance(type));
  const std::vector<float> original = normal_values(3);
  const std::vector<float> noise = normal_values(4);
  std::vector<float> tuned = original;
  for (size_t i = 0; i < tuned.size(); ++i) {
    tuned[i] += static_cast<float>(change) * noise[i];
  }
  EXPECT_FALSE(agree(sketch_of({original}, kF32), sketch_of({rounded(tuned, type)}, type)))
      << gguf_type_name(type);
}

INSTANTIATE_TEST_SUITE_P(All,
                         WritableTypes,
                         testing::ValuesIn(writable_types()),
                         [](const auto& type) { return std::string(gguf_type_name(type.param)); });

TEST(RouterSketch, TypesThatLoseMostOfARouterGoByTheHashAlone) {
  const std::vector<float> original = normal_values(9);
  int64_t n_coarse = 0;
  for (const int32_t type : writable_types(true)) {
    const std::vector<float> stored = rounded(original, type);
    if (!is_too_coarse(type)) {
      EXPECT_LT(relative_distance(stored, original), 0.5) << gguf_type_name(type);
      continue;
    }
    ++n_coarse;
    EXPECT_GT(relative_distance(stored, original), 0.5) << gguf_type_name(type);
    EXPECT_EQ(rounding_tolerance(type), 0.0);
    EXPECT_FALSE(agree(sketch_of({original}, kF32), sketch_of({stored}, type)));
    EXPECT_TRUE(agree(sketch_of({stored}, type), sketch_of({stored}, type)));
  }
  EXPECT_EQ(n_coarse, 4);
}

TEST(RouterSketch, FloatsMustBeEqual) {
  std::vector<float> values = normal_values(5);
  const RouterSketch original = sketch_of({values}, kF32);
  EXPECT_TRUE(agree(original, original));
  values[100] = std::nextafter(values[100], 1.0F) + 1e-6F;
  EXPECT_FALSE(agree(original, sketch_of({values}, kF32)));
}

TEST(RouterSketch, TheNumberOfTensorsAndTheirOrderCount) {
  const std::vector<float> a = normal_values(6);
  const std::vector<float> b = normal_values(7);
  EXPECT_FALSE(agree(sketch_of({a, b}, 8), sketch_of({a}, 8)));
  EXPECT_FALSE(agree(sketch_of({a, b}, 8), sketch_of({b, a}, 8)));
  EXPECT_FALSE(agree({}, {}));
}

/// A model of one layer whose router is stored as `type`.
void write_with_routers_in(int32_t type, const std::string& path) {
  GgufWriter writer;
  writer.set_string("general.architecture", "gpt-oss");
  writer.set_string("general.name", "tiny");
  writer.set_uint32("gpt-oss.block_count", 1);
  writer.set_uint32("gpt-oss.embedding_length", kEmbd);
  writer.set_uint32("gpt-oss.context_length", 128);
  writer.set_uint32("gpt-oss.expert_count", kExpert);
  writer.set_uint32("gpt-oss.expert_used_count", 2);
  writer.set_string_array("tokenizer.ggml.tokens", {"a", "b"});
  const std::vector<float> values = normal_values(8);
  std::vector<std::byte> bytes(gguf_row_bytes(type, kEmbd) * kExpert);
  ggml_codec().encode(type, values.data(), kExpert, kEmbd, bytes.data());
  writer.add_tensor("blk.0.ffn_gate_inp.weight", type, {kEmbd, kExpert}, [&](const GgufSink& sink) {
    sink(bytes.data(), bytes.size());
  });
  writer.write(path);
}

TEST(RouterSketch, AMaskFitsItsModelInEveryTypeOfTheRouters) {
  const TemporaryFolder folder;
  write_with_routers_in(kF32, folder.path("original.gguf"));
  const Mask mask = zero_mask(read_model_info(folder.path("original.gguf")));
  Mask earlier = mask;
  earlier.routers = {};
  for (const int32_t type : writable_types()) {
    write_with_routers_in(type, folder.path("stored.gguf"));
    const ModelInfo info = read_model_info(folder.path("stored.gguf"), false, &ggml_codec());
    EXPECT_EQ(info.fingerprint == mask.fingerprint, type == kF32);
    EXPECT_NO_THROW(require_same_model(mask, info)) << gguf_type_name(type);
    if (type != kF32) {
      expect_error(
          ErrorKind::kMismatch, "was made for", [&] { require_same_model(earlier, info); });
    }
  }
}

}  // namespace
}  // namespace mascing
