// Keys of a fidelity record.
#include "export/fidelity_record.h"

#include "format/gguf.h"

namespace mascing {

void put_fidelity(const FidelityRecord& record, GgufWriter& writer) {
  if (record.n_token == 0) {
    return;
  }
  writer.set_int("mascing.check.tokens", record.n_token);
  writer.set_int("mascing.check.replies", record.n_reply);
  writer.set_int("mascing.check.replies_changed", record.n_reply_changed);
  writer.set_int("mascing.check.decisions_changed", record.n_decision_changed);
  writer.set_float_array("mascing.check.divergence",
                         {record.divergence, record.divergence_unsteered});
  writer.set_float_array("mascing.check.same_experts", record.same_experts);
  writer.set_float_array("mascing.check.overlap", record.overlap);
}

FidelityRecord get_fidelity(const GgufFile& file) {
  FidelityRecord record;
  record.n_token = file.get_int("mascing.check.tokens").value_or(0);
  record.n_reply = file.get_int("mascing.check.replies").value_or(0);
  record.n_reply_changed = file.get_int("mascing.check.replies_changed").value_or(0);
  record.n_decision_changed = file.get_int("mascing.check.decisions_changed").value_or(0);
  const auto divergence = file.get_float_array("mascing.check.divergence");
  if (divergence && divergence->size() == 2) {
    record.divergence = divergence->at(0);
    record.divergence_unsteered = divergence->at(1);
  }
  record.same_experts =
      file.get_float_array("mascing.check.same_experts").value_or(std::vector<double>());
  record.overlap = file.get_float_array("mascing.check.overlap").value_or(std::vector<double>());
  return record;
}

}  // namespace mascing
