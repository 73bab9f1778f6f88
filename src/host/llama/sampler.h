// How the next token is chosen.
#pragma once

#include <cstdint>
#include <memory>

#include <llama.h>

#include "mascing/host.h"

namespace mascing {

struct SamplerDeleter {
  void operator()(llama_sampler* sampler) const { llama_sampler_free(sampler); }
};
using SamplerPtr = std::unique_ptr<llama_sampler, SamplerDeleter>;

/// Greedy at temperature 0; else every stream of a seed draws tokens of its own.
[[nodiscard]] SamplerPtr make_sampler(const Sampling& sampling, uint64_t stream);

}  // namespace mascing
