// A llama_batch with what the tap does to each of its tokens.
#include "host/llama/token_batch.h"

namespace mascing {

TokenBatch::TokenBatch(int64_t capacity, int64_t n_share)
    : capacity_(capacity), batch_(llama_batch_init(to_int32(capacity), 0, to_int32(n_share))) {}

TokenBatch::~TokenBatch() {
  llama_batch_free(batch_);
}

void TokenBatch::clear() {
  batch_.n_tokens = 0;
  columns_.clear();
}

int32_t TokenBatch::add(int32_t token,
                        int64_t position,
                        SequenceRange sequences,
                        bool is_output,
                        const TapColumn& column) {
  const int32_t i = batch_.n_tokens++;
  batch_.token[i] = token;
  batch_.pos[i] = to_int32(position);
  batch_.n_seq_id[i] = sequences.n;
  for (int32_t k = 0; k < sequences.n; ++k) {
    batch_.seq_id[i][k] = sequences.first + k;
  }
  batch_.logits[i] = is_output ? 1 : 0;
  columns_.push_back(column);
  return i;
}

}  // namespace mascing
