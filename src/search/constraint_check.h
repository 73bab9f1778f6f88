// One mask at one strength against generated replies of the selection split: target rate, limits of
// the other sets, damage.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "measure/cached_evaluator.h"
#include "measure/label.h"
#include "scenario/dataset.h"

namespace mascing {

/// Why `reached` breaks the limit that `set` puts on its metric, whose rate without a mask is
/// `base`; empty if it does not.
[[nodiscard]] std::string broken_limit(const ScenarioSet& set, double base, double reached);

/// What masks are chosen with.
struct SelectionPlan {
  const Dataset& data;
  const Scenario& scenario;
  Judge& judge;
  CoherenceLimit coherence;
  /// Called whenever one of the trials has changed; may be empty.
  std::function<void(const std::vector<CandidateResult>&)> watch = {};
};

class ConstraintChecker {
 public:
  /// Asks the unsteered model first. Both references must outlive the checker.
  ConstraintChecker(CachedEvaluator& evaluator, const SelectionPlan& plan);

  [[nodiscard]] const std::string& target() const { return plan_.data.target().spec.metric; }
  [[nodiscard]] const Rate& base_rate(const std::string& metric) const;
  [[nodiscard]] const std::vector<AskedReply>& base_replies(const std::string& metric) const;

  /// Tokens of the unsteered model's replies to all sets.
  [[nodiscard]] int64_t n_base_token() const;

  /// False, with the reason, if the general text suffers more than allowed.
  [[nodiscard]] bool keeps_text(CandidateResult& result, const Steering& steering);
  /// The target's rate over its first `n_row` conversations (all if there are fewer), also kept in
  /// the result; `replies`, if given, gets the replies.
  const Rate& ask_target(CandidateResult& result,
                         const Steering& steering,
                         const std::string& what,
                         size_t n_row,
                         std::vector<AskedReply>* replies = nullptr);
  /// Hold sets first, then keep and benign ones, until a limit is broken. A result that keeps all
  /// is feasible. Returns whether it keeps the hold sets.
  bool check_limits(CandidateResult& result, const Steering& steering, const std::string& what);
  /// Of target replies that were asked for: whether each is wanted.
  [[nodiscard]] std::vector<JudgedReply> judge_target(const std::vector<AskedReply>& replies) const;

 private:
  void check_limit(const LoadedSet& set,
                   CandidateResult& result,
                   const Steering& steering,
                   const std::string& what);
  [[nodiscard]] Rate rate_of(const LoadedSet& set, const std::vector<AskedReply>& replies) const;
  [[nodiscard]] double benign_divergence(const Steering& steering);

  CachedEvaluator& evaluator_;
  const SelectionPlan& plan_;
  std::vector<std::vector<int32_t>> blocks_;
  double base_perplexity_ = 0.0;
  std::map<std::string, std::vector<AskedReply>> base_replies_;  ///< by metric
  std::map<std::string, Rate> base_rates_;
};

}  // namespace mascing
