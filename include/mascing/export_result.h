// How near an exported form of a mask comes to the mask itself, as results.json has it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace mascing {

/// One comparison of exact mask and exported form (`mascing export --check`). Shares in [0, 1].
struct ExportResult {
  std::string file;                   ///< name of the exported file, without its folder
  std::string form;                   ///< "lora" or "gguf"
  double alpha = 0.0;                 ///< strength that both ran at
  int64_t n_token = 0;                ///< tokens compared
  int64_t n_reply = 0;                ///< conversations answered on both sides
  int64_t n_reply_changed = 0;        ///< replies that are not word for word the same
  int64_t n_decision_changed = 0;     ///< of them, refused on one side and not on the other
  double divergence = 0.0;            ///< mean KL(exact || exported) of the next token, nats
  double divergence_unsteered = 0.0;  ///< the same of the unsteered model, to compare with
  std::vector<int64_t> blocks;        ///< [L] block number of each MoE layer
  std::vector<double> same_experts;   ///< [L] share of tokens that go to exactly the same experts
  std::vector<double> overlap;        ///< [L] mean share of a token's experts that are the same
};

}  // namespace mascing
