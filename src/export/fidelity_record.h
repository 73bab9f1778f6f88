// Comparison of the exact mask with an exported form, as stored in the exported file.
#pragma once

#include <cstdint>
#include <vector>

namespace mascing {

class GgufFile;
class GgufWriter;

/// All shares in [0, 1]; n_token = 0 means no comparison.
struct FidelityRecord {
  int64_t n_token = 0;
  int64_t n_reply = 0;
  int64_t n_reply_changed = 0;        ///< replies that differ in any word
  int64_t n_decision_changed = 0;     ///< of these, refused on only one side
  int64_t n_unfinished = 0;           ///< without a visible part on one side: no decision to
                                      ///< compare; not stored
  double divergence = 0.0;            ///< mean KL(exact || exported) of the next token, nats
  double divergence_unsteered = 0.0;  ///< the same for the unsteered model, as a reference
  std::vector<double> same_experts;   ///< [L] share of tokens with exactly the same experts
  std::vector<double> overlap;        ///< [L] mean share of a token's experts that agree
};

/// Writes keys "mascing.check.*", or nothing without a comparison.
void put_fidelity(const FidelityRecord& record, GgufWriter& writer);
[[nodiscard]] FidelityRecord get_fidelity(const GgufFile& file);

}  // namespace mascing
