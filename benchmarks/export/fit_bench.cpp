// How long fitting a router takes at a published width, and how much memory: fit_layer on random
// inputs of the shape of Qwen3-30B-A3B (width 2,048, 128 experts, 8 used, 48 layers).
//
//   fit_bench LAYERS THREADS [TOKENS]     measures LAYERS layers; what it says of 48 is their mean
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>

#include <sys/resource.h>

#include "base/half.h"
#include "base/numeric.h"
#include "base/random.h"
#include "export/constant_direction.h"

namespace mascing {
namespace {

constexpr int64_t kWidth = 2048;
constexpr int64_t kExperts = 128;
constexpr int64_t kExpertsUsed = 8;
constexpr int64_t kModelLayers = 48;
constexpr int64_t kTopics = 64;  // directions in which inputs vary together, beside noise

std::vector<float> normal_matrix(int64_t n, double size, Rng& rng) {
  std::vector<float> values(n);
  for (float& value : values) {
    value = to_float(size * rng.normal());
  }
  return values;
}

float dot(const float* a, const float* b, int64_t n) {
  float sum = 0.0F;
  for (int64_t i = 0; i < n; ++i) {
    sum += a[i] * b[i];
  }
  return sum;
}

/// A mean, topics and noise; logits with a spread of about 1.
RouterSamples made_up_samples(int64_t n_token, uint64_t seed) {
  Rng rng(seed);
  const std::vector<float> center = normal_matrix(kWidth, 0.5, rng);
  const std::vector<float> topics = normal_matrix(kTopics * kWidth, 0.1, rng);
  const std::vector<float> router = normal_matrix(kExperts * kWidth, 0.02, rng);
  RouterSamples samples;
  samples.n_token = n_token;
  samples.n_embd = kWidth;
  samples.n_expert = kExperts;
  samples.inputs.resize(n_token * kWidth);
  samples.logits.resize(n_token * kExperts);
  std::vector<float> x(kWidth);
  for (int64_t t = 0; t < n_token; ++t) {
    x = center;
    for (int64_t k = 0; k < kTopics; ++k) {
      const float weight = to_float(rng.normal());
      for (int64_t d = 0; d < kWidth; ++d) {
        x[d] += weight * topics[k * kWidth + d];
      }
    }
    for (float& value : x) {
      value += to_float(0.5 * (rng.uniform() - 0.5));
    }
    to_half(x.data(), samples.inputs.data() + t * kWidth, kWidth);
    for (int64_t e = 0; e < kExperts; ++e) {
      samples.logits[t * kExperts + e] = dot(x.data(), router.data() + e * kWidth, kWidth);
    }
    samples.is_held_out.push_back(t / 100 % 4 == 3 ? 1 : 0);
  }
  return samples;
}

Mask made_up_mask() {
  Rng rng(9);
  Mask mask;
  mask.n_layer = 1;
  mask.n_expert = kExperts;
  mask.n_expert_used = kExpertsUsed;
  mask.steer = normal_matrix(kExperts, 0.7, rng);
  mask.sigma = {1.0F};
  mask.blocks = {0};
  return mask;
}

/// Of all threads, user and system: what a busy machine does not stretch.
double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto of = [](const timeval& time) {
    return to_double(time.tv_sec) + 1e-6 * to_double(time.tv_usec);
  };
  return of(usage.ru_utime) + of(usage.ru_stime);
}

double peak_mib() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024.0;
}

int run(int64_t n_layer, int64_t n_thread, int64_t n_token) {
  const Mask mask = made_up_mask();
  FitOptions options;
  options.n_thread = n_thread;
  double seconds = 0.0;
  double cpu = 0.0;
  for (int64_t l = 0; l < n_layer; ++l) {
    RouterSamples samples = made_up_samples(n_token, l);
    const auto start = std::chrono::steady_clock::now();
    const double cpu_start = cpu_seconds();
    const LayerUpdate layer = fit_layer(std::move(samples), mask, 0, 1.0, options);
    seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    cpu += cpu_seconds() - cpu_start;
    std::printf("layer %lld: %s, rank %lld, same experts %.4f\n",
                static_cast<long long>(l),
                layer.method.c_str(),
                static_cast<long long>(layer.rank),
                layer.quality.same_experts);
  }
  const double mean = seconds / to_double(n_layer);
  std::printf(
      "measured: %.1f s a layer, %.1f s of processor time (%lld layers, %lld tokens, %lld "
      "threads)\n",
      mean,
      cpu / to_double(n_layer),
      static_cast<long long>(n_layer),
      static_cast<long long>(n_token),
      static_cast<long long>(n_thread));
  std::printf("measured: %.0f MiB at the peak, forecast %.0f MiB beside one layer's inputs\n",
              peak_mib(),
              to_double(fit_bytes(n_token, kWidth, kExperts)) / 1048576.0);
  std::printf("extrapolated: %.1f min for %lld layers, %.1f min of processor time\n",
              mean * to_double(kModelLayers) / 60.0,
              static_cast<long long>(kModelLayers),
              cpu * to_double(kModelLayers) / to_double(n_layer) / 60.0);
  return 0;
}

}  // namespace
}  // namespace mascing

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: fit_bench LAYERS THREADS [TOKENS]\n");
    return 2;
  }
  const int64_t n_token = argc > 3 ? std::atoll(argv[3]) : 24000;
  return mascing::run(std::atoll(argv[1]), std::atoll(argv[2]), n_token);
}
