// Both sides read the reply that was written with the mask, so that rates differ by the mask and by
// nothing else.
#include "run/test_routing.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <set>
#include <utility>

#include "base/numeric.h"
#include "base/sha256.h"
#include "mascing/error.h"

namespace mascing {
namespace {

constexpr int64_t kTokensBefore = 8;
constexpr int64_t kTokensAfter = 4;

struct Chosen {
  size_t i_row = 0;
  bool is_sampled = true;
};

bool was_changed(const AskedSide& base, const AskedSide& steered, size_t i, bool to_wanted) {
  const JudgedReply& before = base.asked.judged.at(i);
  const JudgedReply& after = steered.asked.judged.at(i);
  return before.ok() && after.ok() && before.is_wanted != after.is_wanted &&
         after.is_wanted == to_wanted;
}

/// Rows drawn by a hash of their id, for neighbours may have a pattern; then broken ones, then
/// fixed ones.
std::vector<Chosen> choose_rows(const AskedSide& base, const AskedSide& steered) {
  std::vector<size_t> all;
  for (size_t i = 0; i < steered.rows.size(); ++i) {
    const AskedReply& reply = steered.asked.replies.at(i);
    if (reply.ok() && !reply.tokens.empty()) {
      all.push_back(i);
    }
  }
  std::vector<std::pair<std::string, size_t>> drawn;
  drawn.reserve(all.size());
  for (const size_t i : all) {
    drawn.emplace_back(sha256_hex(steered.rows[i].id), i);
  }
  std::sort(drawn.begin(), drawn.end());
  drawn.resize(std::min<size_t>(kSampledPerSet, drawn.size()));
  std::vector<Chosen> chosen;
  std::set<size_t> taken;
  for (const auto& [hash, i_row] : drawn) {
    chosen.push_back({i_row, true});
    taken.insert(i_row);
  }
  const int64_t n_sample = std::ssize(chosen);
  for (const bool to_wanted : {false, true}) {
    for (const size_t i : all) {
      if (std::ssize(chosen) < n_sample + kChangedPerSet && !taken.contains(i) &&
          was_changed(base, steered, i, to_wanted)) {
        chosen.push_back({i, false});
      }
    }
  }
  return chosen;
}

std::string joined(const std::vector<std::string>& texts, int64_t begin, int64_t end) {
  std::string text;
  for (int64_t i = std::max<int64_t>(0, begin); i < std::min(end, std::ssize(texts)); ++i) {
    text += texts[i];
  }
  return text;
}

std::vector<std::vector<double>> rates_of(const std::vector<int64_t>& counts,
                                          int64_t n_token,
                                          int64_t n_expert) {
  std::vector<std::vector<double>> rows(counts.size() / n_expert);
  for (int64_t i = 0; i < std::ssize(counts); ++i) {
    rows[i / n_expert].push_back(to_double(counts[i]) / to_double(n_token));
  }
  return rows;
}

}  // namespace

void TestRouting::add(const AskedSide& base,
                      const AskedSide& steered,
                      size_t first,
                      std::vector<Transcript>& transcripts) {
  n_test_ += std::ssize(steered.rows);
  if (!reason_.empty()) {
    return;
  }
  std::vector<RoutedReply> requests;
  std::vector<size_t> rows;
  for (const Chosen& chosen : choose_rows(base, steered)) {
    Prompt prompt = context_.evaluator.host().render(steered.rows[chosen.i_row]);
    requests.push_back({std::move(prompt.tokens),
                        prompt.final_user,
                        steered.asked.replies[chosen.i_row].tokens,
                        chosen.is_sampled});
    rows.push_back(first + chosen.i_row);
  }
  if (requests.empty()) {
    return;
  }
  const std::string what = "testing: routing of " + transcripts.at(rows.front()).metric;
  if (!choice_) {
    choice_ = routing_choice(context_.evaluator.host().describe());
  }
  RoutingChanges changes;
  try {
    changes = context_.evaluator.routing(what, {std::move(requests), steering_, *choice_});
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kHost) {
      throw;
    }
    reason_ = error.what();
    return;
  }
  for (size_t i = 0; i < rows.size(); ++i) {
    Transcript& transcript = transcripts[rows[i]];
    read_.push_back({transcript.metric, transcript.id});
    const ReplyRouting& routing = changes.replies[i];
    if (routing.error.empty()) {
      transcript.routing = {routing.tokens, routing.change, routing.gain, routing.n_left_out};
    }
  }
  add_changes(std::move(changes), changes_);
}

RoutingResult TestRouting::result() const {
  RoutingResult result;
  result.n_left_out = n_test_;
  if (changes_.n_token == 0) {
    result.reason = !reason_.empty()           ? reason_
                    : changes_.replies.empty() ? "no reply was written with the mask"
                                               : changes_.replies.front().error;
    return result;
  }
  for (const ReplyRouting& reply : changes_.replies) {
    result.n_viewed += reply.error.empty() ? 1 : 0;
    result.n_token_left_out += reply.n_left_out;
  }
  result.n_left_out -= result.n_viewed;
  result.reason = reason_;  // why it ends before the last set
  result.by_logits = choice_->why_by_logits;
  result.layers_by_token = choice_->layers_by_token;
  result.n_conversation = changes_.n_conversation;
  result.n_token = changes_.n_token;
  const ModelInfo& info = context_.evaluator.host().describe();
  result.base = rates_of(changes_.base, changes_.n_token, info.n_expert);
  result.steered = rates_of(changes_.steered, changes_.n_token, info.n_expert);
  const int64_t n_choice =
      changes_.n_token * std::clamp<int64_t>(info.n_expert_used, 1, info.n_expert);
  for (const int64_t n_swapped : changes_.swapped) {
    result.layer_change.push_back(to_double(n_swapped) / to_double(n_choice));
  }
  add_places(result);
  return result;
}

RoutingPlace TestRouting::place_of(const RoutingMove& move) const {
  const Read& read = read_.at(move.i_reply);
  const std::vector<std::string>& texts = changes_.replies.at(move.i_reply).tokens;
  const int64_t i = move.i_token;
  return {read.metric,
          read.id,
          i,
          joined(texts, i - kTokensBefore, i),
          texts.at(i),
          joined(texts, i + 1, i + 1 + kTokensAfter)};
}

void TestRouting::add_places(RoutingResult& result) const {
  const int64_t n_expert = context_.evaluator.host().describe().n_expert;
  std::vector<int64_t> order(changes_.moves.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
    return std::abs(changes_.steered[a] - changes_.base[a]) >
           std::abs(changes_.steered[b] - changes_.base[b]);
  });
  std::map<std::pair<int64_t, int64_t>, int64_t> known;
  int64_t n_move = 0;
  for (const int64_t i_entry : order) {
    const std::vector<RoutingMove>& moves = changes_.moves[i_entry];
    if (moves.empty()) {
      continue;
    }
    if (std::ssize(result.places) + std::ssize(moves) > kMostPlaces ||
        n_move + std::ssize(moves) > kMostMoves) {
      ++result.n_expert_left_out;
      continue;
    }
    n_move += std::ssize(moves);
    ExpertTokens expert{i_entry / n_expert, i_entry % n_expert};
    for (const RoutingMove& move : moves) {
      const auto [found, is_new] =
          known.try_emplace({move.i_reply, move.i_token}, std::ssize(result.places));
      if (is_new) {
        result.places.push_back(place_of(move));
      }
      expert.tokens.push_back({found->second, move.is_gained, move.change});
    }
    result.experts.push_back(std::move(expert));
  }
}

}  // namespace mascing
