// What a comparison of exact mask and exported form found, as it is stored in the exported file.
#pragma once

#include <cstdint>
#include <vector>

namespace mascing {

class GgufFile;
class GgufWriter;

/// All shares in [0, 1]; n_token = 0: nothing was compared.
struct FidelityRecord {
  int64_t n_token = 0;
  int64_t n_reply = 0;
  int64_t n_reply_changed = 0;        ///< replies that are not word for word the same
  int64_t n_decision_changed = 0;     ///< of them, refused on one side and not on the other
  double divergence = 0.0;            ///< mean KL(exact || exported) of the next token, nats
  double divergence_unsteered = 0.0;  ///< the same of the unsteered model, to compare with
  std::vector<double> same_experts;   ///< [L] share of tokens that go to exactly the same experts
  std::vector<double> overlap;        ///< [L] mean share of a token's experts that are the same
};

/// As keys "mascing.check.*"; nothing if nothing was compared.
void put_fidelity(const FidelityRecord& record, GgufWriter& writer);
[[nodiscard]] FidelityRecord get_fidelity(const GgufFile& file);

}  // namespace mascing
