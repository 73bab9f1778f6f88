// Agreement of an exported form with the exact mask, as stored in results.json.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace mascing {

/// Comparison of the exact mask with an exported form (`mascing export --check`). Shares in [0, 1].
struct ExportResult {
  std::string file;                   ///< name of the exported file, without its folder
  std::string form;                   ///< "lora" or "gguf"
  double alpha = 0.0;                 ///< strength of both
  int64_t n_token = 0;                ///< tokens compared
  int64_t n_reply = 0;                ///< conversations with a reply on both sides
  int64_t n_reply_changed = 0;        ///< replies that differ in any word
  int64_t n_decision_changed = 0;     ///< of these, refused on only one side
  double divergence = 0.0;            ///< mean KL(exact || exported) of the next token, nats
  double divergence_unsteered = 0.0;  ///< the same for the unsteered model, as a reference
  std::vector<int64_t> blocks;        ///< [L] block number of each MoE layer
  std::vector<double> same_experts;   ///< [L] share of tokens with exactly the same experts
  std::vector<double> overlap;        ///< [L] mean share of a token's experts that agree
};

}  // namespace mascing
