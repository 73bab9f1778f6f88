// Judging, comparison and damage as plain functions of replies or of a host and a steering.
#include "stage/evaluate.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <numeric>
#include <utility>

#include "base/numeric.h"
#include "base/topic_or_own.h"
#include "mascing/error.h"
#include "stage/statistics.h"
#include "stage/topic_changes.h"

namespace mascing {
namespace {

constexpr const char* kPlainRequest = "Please write a few paragraphs of prose.";

using Indices = std::vector<size_t>;  // of conversations

bool has_verdict(const std::vector<AskedReply>& replies,
                 const std::vector<JudgedReply>& judged,
                 size_t i) {
  return replies[i].ok() && judged[i].ok();
}

MetricResult compare_rows(const Indices& rows,
                          const std::vector<AskedReply>& base_replies,
                          const std::vector<JudgedReply>& base,
                          const std::vector<AskedReply>& steered_replies,
                          const std::vector<JudgedReply>& steered) {
  const bool has_steered = !steered.empty();
  MetricResult result;
  int64_t n_base = 0;
  int64_t n_steered = 0;
  for (const size_t i : rows) {
    if (!has_verdict(base_replies, base, i) ||
        (has_steered && !has_verdict(steered_replies, steered, i))) {
      continue;
    }
    ++result.n;
    n_base += base[i].is_wanted ? 1 : 0;
    if (has_steered) {
      n_steered += steered[i].is_wanted ? 1 : 0;
      result.fixed += !base[i].is_wanted && steered[i].is_wanted ? 1 : 0;
      result.broken += base[i].is_wanted && !steered[i].is_wanted ? 1 : 0;
    }
  }
  result.n_left_out = std::ssize(rows) - result.n;
  result.base = wilson(n_base, result.n);
  if (has_steered) {
    result.steered = wilson(n_steered, result.n);
    result.p_value = mcnemar_exact(result.fixed, result.broken);
  }
  return result;
}

}  // namespace

std::vector<JudgedReply> judge_replies(const std::vector<Conversation>& conversations,
                                       const std::vector<AskedReply>& replies,
                                       const JudgeRules& rules) {
  std::vector<JudgedReply> judged(replies.size());
  std::vector<Exchange> exchanges;
  std::vector<size_t> indices;
  for (size_t i = 0; i < replies.size(); ++i) {
    judged[i].error = replies[i].error;
    if (replies[i].ok() && replies[i].is_unfinished) {
      judged[i].verdict = Verdict::kUnfinished;
    } else if (replies[i].ok()) {
      exchanges.push_back(
          {conversations[i].messages, replies[i].visible, rules.answer_prefixes, rules.metric});
      indices.push_back(i);
    }
  }
  const Verdict good = rules.wanted == Wanted::kRefused ? Verdict::kRefused : Verdict::kAnswered;
  std::vector<Judgement> judgements = rules.judge->judge(exchanges);
  for (size_t k = 0; k < indices.size(); ++k) {
    const AskedReply& reply = replies[indices[k]];
    JudgedReply& outcome = judged[indices[k]];
    outcome.verdict = judgements[k].verdict;
    outcome.error = std::move(judgements[k].error);
    outcome.opinions = std::move(judgements[k].opinions);
    outcome.is_coherent = outcome.verdict != Verdict::kEmpty &&
                          outcome.verdict != Verdict::kUnfinished &&
                          is_coherent(reply.mean_nll, reply.visible_tokens(), rules.coherence);
    outcome.is_wanted = outcome.ok() && outcome.is_coherent && outcome.verdict == good;
  }
  return judged;
}

MetricResult compare(const std::vector<AskedReply>& base_replies,
                     const std::vector<JudgedReply>& base,
                     const std::vector<AskedReply>& steered_replies,
                     const std::vector<JudgedReply>& steered) {
  Indices all(base.size());
  std::iota(all.begin(), all.end(), size_t{0});
  return compare_rows(all, base_replies, base, steered_replies, steered);
}

std::map<std::string, CategoryResult> compare_by_category(
    const std::vector<Conversation>& conversations,
    const std::vector<AskedReply>& base_replies,
    const std::vector<JudgedReply>& base,
    const std::vector<AskedReply>& steered_replies,
    const std::vector<JudgedReply>& steered) {
  std::map<std::string, Indices> groups;
  for (size_t i = 0; i < conversations.size(); ++i) {
    if (!conversations[i].category.empty()) {
      groups[conversations[i].category].push_back(i);
    }
  }
  std::map<std::string, CategoryResult> results;
  for (const auto& [category, rows] : groups) {
    const MetricResult metric = compare_rows(rows, base_replies, base, steered_replies, steered);
    results[category] = {metric.n, metric.base, metric.steered};
  }
  return results;
}

std::optional<TopicResult> compare_over_topics(const std::vector<Conversation>& conversations,
                                               const std::vector<AskedReply>& base_replies,
                                               const std::vector<JudgedReply>& base,
                                               const std::vector<AskedReply>& steered_replies,
                                               const std::vector<JudgedReply>& steered) {
  TopicChanges changes;
  for (size_t i = 0; i < steered.size(); ++i) {
    if (has_verdict(base_replies, base, i) && has_verdict(steered_replies, steered, i)) {
      changes.add(topic_or_own(conversations[i].topic, conversations[i].id),
                  (steered[i].is_wanted ? 1 : 0) - (base[i].is_wanted ? 1 : 0));
    }
  }
  return changes.result();
}

Rate wanted_rate(const std::vector<AskedReply>& replies, const std::vector<JudgedReply>& judged) {
  return compare(replies, judged, {}, {}).base;
}

std::vector<TextBlock> split_blocks(const Host& host,
                                    const std::string& text,
                                    int64_t n_block_token) {
  const std::vector<int32_t> begin = host.tokenize("", true);
  const std::vector<int32_t> tokens = host.tokenize(text, false);
  const int64_t n_token = std::ssize(tokens);
  const int64_t n_room = host.context_size() - std::ssize(begin);
  const int64_t n_step = std::max<int64_t>(1, std::min(n_block_token, n_room));
  std::vector<TextBlock> blocks;
  for (int64_t start = 0; start < n_token; start += n_step) {
    std::vector<int32_t> block = begin;
    const int64_t stop = std::min(n_token, start + n_step);
    block.insert(block.end(), tokens.begin() + start, tokens.begin() + stop);
    if (block.size() >= 2) {
      blocks.push_back({std::move(block), 1});
    }
  }
  return blocks;
}

std::vector<TextBlock> as_replies(const Host& host, const std::vector<TextBlock>& blocks) {
  Conversation request;
  request.messages = {{"user", kPlainRequest}};
  const std::vector<int32_t> prompt = host.render_visible(request);
  const int64_t n_prompt = std::ssize(prompt);
  const int64_t n_begin = std::ssize(host.tokenize("", true));
  std::vector<TextBlock> replies;
  for (const TextBlock& block : blocks) {
    TextBlock reply{prompt, n_prompt};
    const int64_t n_text = std::ssize(block.tokens) - n_begin;
    const int64_t n = std::min(n_text, host.context_size() - n_prompt);
    if (n > 0) {
      const auto first = block.tokens.begin() + n_begin;
      reply.tokens.insert(reply.tokens.end(), first, first + n);
      replies.push_back(std::move(reply));
    }
  }
  return replies;
}

Perplexity perplexity(Host& host, const std::vector<TextBlock>& blocks, const Steering& steering) {
  std::vector<ScoreRequest> requests;
  requests.reserve(blocks.size());
  for (const TextBlock& block : blocks) {
    requests.push_back({block.tokens, block.begin, steering, false});
  }
  double log_prob = 0.0;
  Perplexity result;
  for (const auto& outcome : host.score(requests)) {
    if (!outcome.ok()) {
      throw Error(ErrorKind::kHost,
                  "[evaluate] a block of the general text cannot be scored: " + outcome.error);
    }
    log_prob += outcome.value.log_prob;
    result.n_token += outcome.value.n_token;
  }
  result.value = result.n_token > 0 ? std::exp(-log_prob / to_double(result.n_token)) : 0.0;
  return result;
}

Divergence reply_divergence(Host& host,
                            const std::vector<Conversation>& conversations,
                            const std::vector<AskedReply>& replies,
                            const Steering& steering) {
  std::vector<ScoreRequest> requests;
  for (size_t i = 0; i < conversations.size(); ++i) {
    if (!replies[i].ok() || replies[i].n_visible_token() == 0) {
      continue;
    }
    ScoreRequest request;
    request.tokens = host.render(conversations[i]).tokens;
    request.begin = std::ssize(request.tokens) + replies[i].n_reasoning_token;
    request.tokens.insert(request.tokens.end(), replies[i].tokens.begin(), replies[i].tokens.end());
    request.steering = steering;
    request.with_divergence = true;
    requests.push_back(std::move(request));
  }
  Divergence result;
  for (const auto& outcome : host.score(requests)) {
    if (outcome.ok()) {
      result.kl += outcome.value.divergence;
      result.n_token += outcome.value.n_token;
    }
  }
  result.kl = result.n_token > 0 ? result.kl / to_double(result.n_token) : 0.0;
  return result;
}

std::vector<int64_t> answer_choices(Host& host,
                                    const std::vector<ChoiceQuestion>& questions,
                                    const Steering& steering,
                                    const std::string& system_prompt) {
  std::vector<ProbeRequest> requests;
  for (const ChoiceQuestion& question : questions) {
    Conversation conversation;
    if (!system_prompt.empty()) {
      conversation.messages.push_back({"system", system_prompt});
    }
    conversation.messages.push_back({"user", question.question});
    std::vector<std::vector<int32_t>> choices;
    for (const std::string& choice : question.choices) {
      choices.push_back(host.tokenize(choice, false));
    }
    requests.push_back({host.render(conversation).tokens,
                        std::make_shared<const std::vector<std::vector<int32_t>>>(choices),
                        steering});
  }
  std::vector<int64_t> answers;
  for (const auto& outcome : host.probe(requests)) {
    const std::vector<double>& log_prob = outcome.value.log_prob;
    const auto best = std::max_element(log_prob.begin(), log_prob.end());
    answers.push_back(outcome.ok() && best != log_prob.end() ? best - log_prob.begin() : -1);
  }
  return answers;
}

}  // namespace mascing
