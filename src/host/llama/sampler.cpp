// libllama's samplers.
#include "host/llama/sampler.h"

#include "base/random.h"

namespace mascing {

SamplerPtr make_sampler(const Sampling& sampling, uint64_t stream) {
  if (sampling.temperature <= 0.0F) {
    return SamplerPtr(llama_sampler_init_greedy());
  }
  SamplerPtr chain(llama_sampler_chain_init(llama_sampler_chain_default_params()));
  llama_sampler_chain_add(chain.get(), llama_sampler_init_temp(sampling.temperature));
  const uint32_t seed = mix_seed(sampling.seed, stream) & 0x7fffffffU;
  llama_sampler_chain_add(chain.get(), llama_sampler_init_dist(seed));
  return chain;
}

}  // namespace mascing
