// Checks one treatment, a mask at one strength or what it is compared with, on the selection split:
// general text, target rate, limits of the other sets, damage.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "mascing/rate.h"
#include "measure/eval_context.h"
#include "measure/treatment.h"

namespace mascing {

/// Why `reached`, over `n` replies with a verdict, breaks the limit of `set`, whose rate without a
/// mask is `base`; empty if it does not. One conversation of a small set may be chance
/// (`allowed_drop`). Without a verdict nothing shows that the limit is kept: it is broken.
[[nodiscard]] std::string broken_limit(const ScenarioSet& set,
                                       double base,
                                       double reached,
                                       int64_t n);

/// The same of what both sides have a verdict on: what only one side could answer must not look
/// like a change. Says so where this is only part of the set (`are_few`).
[[nodiscard]] std::string broken_limit(const ScenarioSet& set, const MetricResult& both);

/// In which order the `n_row` conversations of the target set are asked: `n_first` that are evenly
/// spread over them, then the others. A file may have them by topic.
[[nodiscard]] std::vector<size_t> asking_order(size_t n_row, size_t n_first);

/// The general text under a treatment.
struct TextCheck {
  double perplexity = 0.0;       ///< 0: there is no text
  std::string rejection_reason;  ///< empty: it suffers no more than allowed
};

/// Replies to the target set.
struct TargetReplies {
  std::vector<AskedReply> replies;
  Rate rate;
};

/// The sets with limits under a treatment.
struct LimitCheck {
  std::map<std::string, Rate> rates;        ///< of the sets that were asked, by metric
  std::map<std::string, int64_t> left_out;  ///< as in CandidateResult
  std::string rejection_reason;             ///< empty: all limits are kept
  bool keeps_hold = false;                  ///< those of the hold sets are
};

class ConstraintChecker {
 public:
  /// Asks the unsteered model first.
  explicit ConstraintChecker(const EvalContext& context);

  [[nodiscard]] const std::string& target() const { return context_.target().spec.metric; }
  /// Conversations of the target set.
  [[nodiscard]] size_t n_target_row() const {
    return context_.target().rows(Split::kSelection).size();
  }
  [[nodiscard]] const Rate& base_rate(const std::string& metric) const;
  [[nodiscard]] const std::vector<AskedReply>& base_replies(const std::string& metric) const {
    return base_.at(metric).replies;
  }
  [[nodiscard]] double base_perplexity() const { return base_perplexity_; }  ///< 0: no text
  /// False if the selection part of the general text has no block: its limit checks nothing.
  [[nodiscard]] bool has_text() const { return !blocks_.empty(); }
  /// Tokens of the unsteered model's replies to all sets.
  [[nodiscard]] int64_t n_base_token() const;

  [[nodiscard]] TextCheck check_text(const Steering& steering) const;
  /// `n_row` conversations of the target set as `asking_order` has them, all if there are fewer.
  /// The replies to all are in the order of the split.
  [[nodiscard]] TargetReplies ask_target(const Treatment& treatment,
                                         const std::string& what,
                                         size_t n_row) const;
  /// Hold sets first, then keep and benign ones, until a limit is broken.
  [[nodiscard]] LimitCheck check_limits(const Treatment& treatment, const std::string& what) const;
  /// KL(base || steered) on the unsteered model's replies to the benign sets, nats per token.
  [[nodiscard]] double benign_divergence(const Steering& steering) const;
  /// Of target replies that were asked for: whether each is wanted.
  [[nodiscard]] std::vector<JudgedReply> judge_target(const std::vector<AskedReply>& replies) const;

 private:
  EvalContext context_;
  std::vector<TextBlock> blocks_;
  double base_perplexity_ = 0.0;
  std::map<std::string, JudgedReplies> base_;  ///< by metric
  std::map<std::string, Rate> base_rates_;
};

}  // namespace mascing
