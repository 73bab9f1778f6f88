// A host with a cache. Every measurement of a run goes through it, is computed once, and can be
// interrupted between chunks.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "mascing/budget.h"
#include "mascing/conversation.h"
#include "mascing/host.h"
#include "mascing/progress.h"
#include "measure/cache.h"
#include "measure/call_guard.h"
#include "measure/left_out.h"
#include "measure/routing_choice.h"
#include "stage/ask.h"
#include "stage/evaluate.h"
#include "stage/outcome.h"
#include "stage/outcome_gradient.h"

namespace mascing {

/// Conversations generated together. Fixed, because the last bits of a reply can depend on the
/// other members of its batches. A resumed run repeats the same chunks.
inline constexpr int64_t kChunk = 64;

/// SHA-256 of the effect of a steering on a model; "unsteered" for none.
[[nodiscard]] std::string steering_key(const Steering& steering);

class CachedEvaluator {
 public:
  /// The host must outlive the evaluator.
  CachedEvaluator(Host& host, Cache cache, const Sampling& sampling, Progress progress);
  CachedEvaluator(const CachedEvaluator&) = delete;

  [[nodiscard]] Host& host() { return host_; }
  /// Reports go through the evaluator: it repeats the last one, with the speed, while a call runs.
  [[nodiscard]] const Progress& progress() const { return shown_; }
  [[nodiscard]] const Sampling& sampling() const { return sampling_; }

  /// What `budget_spent` refers to. Time counts from the construction of the evaluator.
  void set_budget(const Budget& budget) { budget_ = budget; }
  /// Whether the model is so large that calls are bounded by time.
  [[nodiscard]] bool is_slow() const { return host_.describe().size_bytes >= kLargeModelBytes; }
  /// From now on a call that is still running when this share of a budget in seconds is spent ends
  /// with BudgetSpent; 0 = none does. Returns the share before.
  double set_share(double share) { return std::exchange(share_, share); }
  /// Spent share of the budget, above 1 if exceeded; 0 without a budget.
  [[nodiscard]] double budget_spent() const;
  [[nodiscard]] const AskedTokens& asked() const { return asked_; }

  /// Replies in the order of the conversations. `what` is the stage in progress reports.
  [[nodiscard]] std::vector<AskedReply> replies(const std::string& what,
                                                const std::vector<Conversation>& conversations,
                                                const Steering& steering);
  /// The same with other sampling options than the scenario's.
  [[nodiscard]] std::vector<AskedReply> sampled(const std::string& what,
                                                const std::vector<Conversation>& conversations,
                                                const Steering& steering,
                                                const Sampling& sampling);
  /// The kChunk replies from conversation `start` on, as computed by sampled().
  [[nodiscard]] std::vector<AskedReply> chunk(const std::vector<Conversation>& conversations,
                                              int64_t start,
                                              const Steering& steering,
                                              const Sampling& sampling);
  [[nodiscard]] Perplexity text_perplexity(const std::vector<TextBlock>& blocks,
                                           const Steering& steering);
  [[nodiscard]] Divergence divergence(const std::vector<Conversation>& conversations,
                                      const std::vector<AskedReply>& replies,
                                      const Steering& steering);
  [[nodiscard]] std::vector<int64_t> choices(const std::vector<ChoiceQuestion>& questions,
                                             const Steering& steering,
                                             const std::string& system_prompt = {});
  /// Mean residual stream at the end of the prompts of `wanted` minus that of `unwanted`.
  [[nodiscard]] ControlVector residual_difference(const std::vector<Conversation>& wanted,
                                                  const std::vector<Conversation>& unwanted);

  /// Asks for the references of all texts; those that cannot be processed are dropped.
  void add_references(std::vector<OutcomeSet>& sets);
  /// From `measure_outcomes`. `objectives_key` identifies the sets in the cache key.
  [[nodiscard]] std::vector<double> outcomes(const std::vector<OutcomeSet>& sets,
                                             const std::string& objectives_key,
                                             const std::vector<Question>& questions);
  /// The same with derivatives by the mask, from `measure_outcome_gradients` with its default
  /// swaps. `what` is the stage in progress reports.
  [[nodiscard]] std::vector<OutcomeGradient> gradients(const std::string& what,
                                                       const std::vector<OutcomeSet>& sets,
                                                       const std::string& objectives_key,
                                                       const std::vector<Question>& questions);
  /// Items of which gradients() had no derivative so far.
  [[nodiscard]] const LeftOut& gradients_left_out() const { return left_out_; }
  /// The same as routing_changes(). `what` is the stage in progress reports.
  [[nodiscard]] RoutingChanges routing(const std::string& what, const RoutingTask& task);

  /// Prompt and reply tokens per second so far, without and with a mask; 0 if there were none.
  [[nodiscard]] double tokens_per_second(bool steered) const;

 private:
  struct Speed {
    double n_token = 0.0;
    double seconds = 0.0;
  };

  /// Calls `take` for all items, or for pieces where that would take longer than kPieceSeconds.
  void in_pieces(const Pieces& pieces,
                 const KeyOf& key_of,
                 const std::function<void(int64_t first, int64_t n)>& take);
  /// As many items as were asked for together before, if they were; else as many as go.
  [[nodiscard]] int64_t piece_size(const Pieces& pieces, int64_t first, const KeyOf& key_of);
  /// For a call with so many items and tokens.
  [[nodiscard]] CallGuard watch(int64_t n_item, int64_t n_token);

  [[nodiscard]] std::vector<AskedReply> ask_chunk(const std::vector<Conversation>& chunk,
                                                  const Steering& steering,
                                                  const Sampling& sampling,
                                                  uint64_t first_stream);
  [[nodiscard]] std::vector<OutcomeGradient> ask_gradients(const std::vector<OutcomeSet>& sets,
                                                           const std::string& key,
                                                           const std::vector<Question>& part);
  [[nodiscard]] std::vector<TextReference> ask_references(const std::string& key,
                                                          const std::vector<ScoredText>& texts);
  /// Adds to the token counts unless `key` was counted before.
  void count(const std::string& key, int64_t n_prefill, int64_t n_generated);

  Host& host_;
  Cache cache_;
  Sampling sampling_;
  Progress progress_;
  Progress shown_;
  ProgressEvent last_event_;
  std::map<std::string, int64_t> n_at_once_;  ///< items of a kind, where the model is slow
  double share_ = 0.0;
  Speed plain_;
  Speed steered_;
  Budget budget_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  AskedTokens asked_;
  LeftOut left_out_;
  std::set<std::string> counted_;  ///< hashes of the keys counted in `asked_`
};

}  // namespace mascing
