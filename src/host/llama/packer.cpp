// A group of sequences starts in the running batch if it fits completely, otherwise in an empty
// cache. The batch composition therefore depends only on the list of requests.
#include "host/llama/packer.h"

#include <utility>

namespace mascing {

Packer::Packer(Engine& engine,
               int64_t n_sequence,
               bool stop_after_routers,
               std::function<void()> after_decode)
    : engine_(engine),
      n_sequence_most_(n_sequence),
      stop_after_routers_(stop_after_routers),
      after_decode_(std::move(after_decode)),
      batch_(engine.n_batch(), n_sequence) {
  engine_.forget();
}

int32_t Packer::begin(int64_t n_sequence, int64_t n_token) {
  const bool fits = n_token <= batch_.room() && n_sequence_ + n_sequence <= n_sequence_most_ &&
                    n_cell_ + n_token <= engine_.n_cell();
  if (!fits) {
    flush();
  }
  const int32_t first = to_int32(n_sequence_);
  n_sequence_ += n_sequence;
  n_cell_ += n_token;
  return first;
}

int32_t Packer::add(int32_t token,
                    int64_t position,
                    SequenceRange sequences,
                    bool is_output,
                    const TapColumn& column) {
  if (batch_.room() == 0) {
    decode();
  }
  return batch_.add(token, position, sequences, is_output, column);
}

void Packer::decode() {
  if (batch_.size() == 0) {
    return;
  }
  engine_.counters.n_prefill_token += batch_.size();
  engine_.decode(batch_, stop_after_routers_);
  after_decode_();
  batch_.clear();
}

void Packer::flush() {
  decode();
  engine_.forget();
  n_sequence_ = 0;
  n_cell_ = 0;
}

}  // namespace mascing
