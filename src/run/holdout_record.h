// Which masks were evaluated on which test conversations, kept in a folder: to evaluate a second
// one would be to choose on the test split.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "mascing/mask.h"
#include "mascing/model_info.h"
#include "mascing/run.h"
#include "mascing/search_result.h"
#include "scenario/dataset.h"

namespace mascing {

class HoldoutRecord {
 public:
  /// Of the target's test conversations in `data` and this model, in the folder of the run's
  /// output. An evaluation on any of these conversations counts, whatever else has changed since,
  /// replies included; records of earlier versions know the files as a whole only.
  HoldoutRecord(const Dataset& data, const ModelInfo& info, const RunOptions& options);
  /// True if this mask at this strength was evaluated, or an evaluation of it began.
  [[nodiscard]] bool has(const Mask& mask) const;
  /// Throws Error{kUsage} if only other masks or strengths were evaluated, Error{kBadInput} if the
  /// record is damaged, or was and does not know this mask since.
  void require_first(const Mask& mask) const;
  /// Adds to the record. What it says of other conversations stays; a damaged one is kept beside a
  /// new one.
  void take(const Mask& mask) const;
  /// The same for a run's choice, once `agrees` says so; an evaluation that began, and an empty
  /// function, need no word. Throws Error{kInterrupted} otherwise.
  void take_if_agreed(const Mask& mask,
                      const CandidateResult& trial,
                      const AgreesToTest& agrees) const;
  /// Says how many masks were evaluated on this test split, if more than one, or that it is not
  /// known, as the record was damaged.
  [[nodiscard]] std::vector<Warning> warnings() const;

 private:
  /// Hashes of the masks that were evaluated on any of these conversations; nothing if the record
  /// is damaged.
  [[nodiscard]] std::optional<std::vector<std::string>> masks() const;
  void rename_damaged() const;

  std::string path_;
  std::string model_;
  std::vector<std::string> rows_;  ///< hashes of the conversations, sorted
  std::string data_;               ///< the same as records of earlier versions have it
};

}  // namespace mascing
