// Refusals sound alike whatever was asked, so those of all sets are pooled; answers are a set's
// own.
#include "search/objectives.h"

#include <algorithm>
#include <cmath>

#include "base/sha256.h"
#include "base/text.h"
#include "mascing/error.h"
#include "measure/label.h"
#include "scenario/text_blocks.h"

namespace mascing {
namespace {

constexpr size_t kFewReplies = 8;       // of a kind: then those of other sets are used
constexpr int64_t kReplyTokens = 32;    // of a reply that are compared
constexpr size_t kReplyRows = 200;      // of each set whose replies are compared
constexpr int64_t kPieceTokens = 48;    // of general text
constexpr double kReplyLimit = 0.07;    // nats per token: benign replies stay what they were
constexpr double kWantedLimit = 0.1;    // likewise: wanted replies, behind their openings
constexpr double kTextLimit = 0.07;     // likewise: general text, however its perplexity changes
constexpr double kLimitShare = 0.7;     // of what the scenario allows: other splits differ
constexpr double kHoldMargin = 2.0;     // nats by which refusals of a hold set should lead
constexpr double kWholeCoverage = 0.9;  // by openings: what does not begin so is of another kind

bool has_margin(const LoadedSet& set) {
  return set.spec.role == SetRole::kTarget || set.spec.role == SetRole::kHold ||
         set.spec.role == SetRole::kKeep;
}

/// Replies of one set's discovery split by kind.
struct Kinds {
  std::vector<TokenSequence> refused;
  std::vector<TokenSequence> answered;
};

class ObjectivesBuilder {
 public:
  ObjectivesBuilder(CachedEvaluator& evaluator,
                    const Dataset& data,
                    const Scenario& scenario,
                    Judge& judge,
                    const CoherenceLimit& coherence,
                    Split split)
      : evaluator_(evaluator),
        data_(data),
        scenario_(scenario),
        judge_(judge),
        coherence_(coherence),
        split_(split) {
    wanted_.name = kWantedReplies;
  }

  Objectives build() {
    for (const LoadedSet& set : data_.sets) {
      if (has_margin(set)) {
        kinds_.push_back(kinds_of(set));
      }
    }
    add_margins(true);
    if (!objectives_.sees_target()) {
      return std::move(objectives_);
    }
    add_margins(false);
    add_benign_margins();
    add_benign();
    add_damage(std::move(wanted_), kWantedLimit);
    add_text();
    add_references(evaluator_.host(), objectives_.sets);
    add_key();
    add_base_margins();
    return std::move(objectives_);
  }

 private:
  [[nodiscard]] Kinds kinds_of(const LoadedSet& set) {
    const auto& rows = set.rows(Split::kDiscovery);
    const auto replies = evaluator_.replies("replies: " + set.spec.metric, rows, {});
    const auto judged = judge_replies(rows, replies, rules_for(set.spec, judge_, coherence_));
    Kinds kinds;
    for (size_t i = 0; i < replies.size(); ++i) {
      if (!judged[i].is_coherent || replies[i].tokens.empty()) {
        continue;
      }
      if (judged[i].verdict == Verdict::kRefused) {
        kinds.refused.push_back(replies[i].tokens);
      } else if (judged[i].verdict == Verdict::kAnswered) {
        kinds.answered.push_back(replies[i].tokens);
      }
    }
    if (split_ == Split::kDiscovery) {
      keep_wanted(set, replies, judged);
    }
    return kinds;
  }

  /// What follows the openings of replies that are as wanted already: margins see how a reply
  /// begins, and under a mask it must also go on as such replies do.
  void keep_wanted(const LoadedSet& set,
                   const std::vector<AskedReply>& replies,
                   const std::vector<JudgedReply>& judged) {
    const Verdict wanted =
        set.spec.wanted == Wanted::kRefused ? Verdict::kRefused : Verdict::kAnswered;
    const auto& rows = set.rows(Split::kDiscovery);
    const int64_t n_opening = OpeningOptions{}.n_max_token;
    size_t n_kept = 0;
    for (size_t i = 0; i < rows.size() && n_kept < kReplyRows; ++i) {
      if (judged[i].is_coherent && judged[i].verdict == wanted &&
          static_cast<int64_t>(replies[i].tokens.size()) > n_opening) {
        wanted_.texts.push_back(scored_reply(rows[i], replies[i], n_opening));
        ++n_kept;
      }
    }
  }

  /// Scored behind the first `n_skip` tokens of the reply.
  [[nodiscard]] ScoredText scored_reply(const Conversation& row,
                                        const AskedReply& reply,
                                        int64_t n_skip) const {
    ScoredText text;
    text.tokens = evaluator_.host().render(row).tokens;
    text.begin = static_cast<int64_t>(text.tokens.size()) + n_skip;
    const auto n = std::min(n_skip + kReplyTokens, static_cast<int64_t>(reply.tokens.size()));
    text.tokens.insert(text.tokens.end(), reply.tokens.begin(), reply.tokens.begin() + n);
    return text;
  }

  /// The target set, or all others with a margin.
  void add_margins(bool of_target) {
    size_t i_kind = 0;
    for (const LoadedSet& set : data_.sets) {
      if (!has_margin(set)) {
        continue;
      }
      const Kinds& own = kinds_[i_kind++];
      if ((set.spec.role == SetRole::kTarget) == of_target) {
        add_margin_set(set, own);
      }
    }
  }

  [[nodiscard]] Kinds pooled_kinds() const {
    Kinds pooled;
    for (const Kinds& kinds : kinds_) {
      pooled.refused.insert(pooled.refused.end(), kinds.refused.begin(), kinds.refused.end());
      pooled.answered.insert(pooled.answered.end(), kinds.answered.begin(), kinds.answered.end());
    }
    return pooled;
  }

  void add_margin_set(const LoadedSet& set, const Kinds& own) {
    const Kinds pooled = pooled_kinds();
    const auto& answered = own.answered.size() < kFewReplies ? pooled.answered : own.answered;
    const bool wants_refusal = set.spec.wanted == Wanted::kRefused;
    Openings openings = find_openings(wants_refusal ? pooled.refused : answered,
                                      wants_refusal ? answered : pooled.refused);
    const bool is_target = set.spec.role == SetRole::kTarget;
    if (openings.wanted.empty() || openings.unwanted.empty()) {
      say_alike(set.spec.metric, is_target);
      return;
    }
    double coverage = std::min(openings.coverage_wanted, openings.coverage_unwanted);
    if (set.spec.role == SetRole::kHold && openings.coverage_wanted >= kWholeCoverage) {
      openings.unwanted.clear();  // a reply of a third kind breaks a hold set, too
      coverage = openings.coverage_wanted;
    }
    add_probed(set, openings, coverage);
  }

  /// Benign requests may be answered in any way; only that they are refused must not happen.
  void add_benign_margins() {
    const Kinds pooled = pooled_kinds();
    Openings refusals = find_openings(pooled.answered, pooled.refused);
    refusals.wanted.clear();
    for (const LoadedSet& set : data_.sets) {
      if (set.spec.role == SetRole::kBenign && !refusals.unwanted.empty()) {
        add_probed(set, refusals, refusals.coverage_unwanted);
      }
    }
  }

  void add_probed(const LoadedSet& set, const Openings& openings, double coverage) {
    OutcomeSet outcome;
    outcome.name = set.spec.metric;
    std::vector<TokenSequence> all = openings.wanted;
    all.insert(all.end(), openings.unwanted.begin(), openings.unwanted.end());
    outcome.n_wanted = static_cast<int64_t>(openings.wanted.size());
    outcome.openings = std::make_shared<const std::vector<TokenSequence>>(std::move(all));
    std::vector<size_t> rows;
    outcome.prompts = prompts_of(set, rows);
    if (outcome.prompts.empty()) {
      return;
    }
    objectives_.rows.push_back(std::move(rows));
    objectives_.sets.push_back(std::move(outcome));
    const bool is_target = set.spec.role == SetRole::kTarget;
    LoopSet role;
    role.role = is_target ? LoopRole::kGain : LoopRole::kKeep;
    role.limit = is_target ? 0.0 : std::max(0.005, kLimitShare * set.spec.max_drop);
    role.margin = set.spec.role == SetRole::kHold ? kHoldMargin : 0.0;
    objectives_.roles.push_back(std::move(role));
    objectives_.coverage.push_back(coverage);
  }

  void say_alike(const std::string& metric, bool is_target) {
    const std::string text = "wanted and other replies of '" + metric +
                             "' do not begin differently on the discovery split";
    if (is_target) {
      objectives_.warnings.push_back(
          {"target_unwatched",
           text +
               ": nothing that the model says first tells them apart, so no mask can be found by "
               "asking it, and none screened",
           "do the verdicts follow the replies? Look at labelled.jsonl, or give more "
           "conversations"});
      return;
    }
    objectives_.warnings.push_back(
        {metric + "_unwatched",
         text + ": the closed loop cannot watch this set",
         "its limit is still enforced on generated replies of the selection split"});
  }

  [[nodiscard]] std::vector<TokenSequence> prompts_of(const LoadedSet& set,
                                                      std::vector<size_t>& rows) const {
    std::vector<TokenSequence> prompts;
    for (size_t i = 0; i < set.rows(split_).size(); ++i) {
      try {
        prompts.push_back(evaluator_.host().render(set.rows(split_)[i]).tokens);
        rows.push_back(i);
      } catch (const Error& e) {
        if (e.kind() != ErrorKind::kBadInput) {
          throw;
        }
      }
    }
    return prompts;
  }

  void add_benign() {
    OutcomeSet outcome;
    outcome.name = kBenignReplies;
    for (const LoadedSet& set : data_.sets) {
      if (set.spec.role != SetRole::kBenign) {
        continue;
      }
      std::vector<Conversation> rows = set.rows(split_);
      rows.resize(std::min(rows.size(), kReplyRows));
      const auto replies = evaluator_.replies("replies: " + set.spec.metric, rows, {});
      for (size_t i = 0; i < rows.size(); ++i) {
        if (!replies[i].ok() || replies[i].tokens.empty()) {
          continue;
        }
        outcome.texts.push_back(scored_reply(rows[i], replies[i], 0));
      }
    }
    add_damage(std::move(outcome), kReplyLimit);
  }

  void add_text() {
    OutcomeSet outcome;
    outcome.name = kGeneralText;
    for (const auto& block : text_blocks(evaluator_.host(), data_, scenario_, split_)) {
      const auto n_token = static_cast<int64_t>(block.size());
      for (int64_t start = 0; start + kPieceTokens <= n_token; start += kPieceTokens) {
        outcome.texts.push_back(
            {{block.begin() + start, block.begin() + start + kPieceTokens}, 1, nullptr});
      }
    }
    OutcomeSet loss = outcome;
    loss.name = kTextLoss;
    loss.rises = true;
    add_damage(std::move(outcome), kTextLimit);
    add_damage(std::move(loss), kLimitShare * std::log1p(scenario_.search.max_perplexity_rise));
  }

  void add_damage(OutcomeSet outcome, double limit) {
    if (outcome.texts.empty()) {
      return;
    }
    objectives_.sets.push_back(std::move(outcome));
    objectives_.rows.emplace_back();
    LoopSet role;
    role.role = LoopRole::kDamage;
    role.limit = std::max(1e-3, limit);
    objectives_.roles.push_back(std::move(role));
    objectives_.coverage.push_back(1.0);
  }

  void add_base_margins() {
    for (size_t i = 0; i < objectives_.sets.size(); ++i) {
      if (!objectives_.sets[i].has_margin()) {
        continue;
      }
      std::vector<Question> questions;
      for (int64_t k = 0; k < objectives_.sets[i].size(); ++k) {
        questions.push_back({static_cast<int64_t>(i), k, {}});
      }
      objectives_.roles[i].base = evaluator_.outcomes(objectives_.sets, objectives_.key, questions);
    }
  }

  void add_key() {
    Sha256 digest;
    const auto add = [&](const TokenSequence& tokens) {
      const size_t n_token = tokens.size();
      digest.update(&n_token, sizeof n_token);
      digest.update(tokens.data(), n_token * sizeof tokens.front());
    };
    for (const OutcomeSet& set : objectives_.sets) {
      digest.update(set.name + '\n');
      digest.update(&set.n_wanted, sizeof set.n_wanted);
      for (const TokenSequence& prompt : set.prompts) {
        add(prompt);
      }
      for (size_t k = 0; set.has_margin() && k < set.openings->size(); ++k) {
        add((*set.openings)[k]);
      }
      digest.update(&set.rises, sizeof set.rises);
      for (const ScoredText& text : set.texts) {
        add(text.tokens);
        digest.update(&text.begin, sizeof text.begin);
      }
    }
    objectives_.key = digest.hex();
  }

  CachedEvaluator& evaluator_;
  const Dataset& data_;
  const Scenario& scenario_;
  Judge& judge_;
  const CoherenceLimit& coherence_;
  Split split_;
  OutcomeSet wanted_;         ///< replies that are as wanted
  std::vector<Kinds> kinds_;  ///< of the sets with a margin, in their order
  Objectives objectives_;
};

}  // namespace

AskModel asking(CachedEvaluator& evaluator, const Objectives& objectives) {
  return [&](const std::vector<Question>& questions) {
    return evaluator.outcomes(objectives.sets, objectives.key, questions);
  };
}

Objectives build_objectives(CachedEvaluator& evaluator,
                            const Dataset& data,
                            const Scenario& scenario,
                            Judge& judge,
                            const CoherenceLimit& coherence,
                            Split split) {
  return ObjectivesBuilder(evaluator, data, scenario, judge, coherence, split).build();
}

}  // namespace mascing
