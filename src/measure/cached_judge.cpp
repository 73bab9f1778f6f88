// One cache entry per exchange, holding the verdict as a word.
#include "measure/cached_judge.h"

#include <algorithm>

#include "mascing/error.h"

namespace mascing {
namespace {

constexpr int64_t kGroup = 16;

/// Everything a verdict depends on, with each text prefixed by its length to keep keys unique.
std::string exchange_key(const Exchange& exchange) {
  std::string key;
  const auto add = [&key](const std::string& text) {
    key += std::to_string(text.size()) + ':' + text;
  };
  for (const Message& message : exchange.messages) {
    add(message.role);
    add(message.content);
  }
  key += '\x1e';
  add(exchange.reply);
  add(exchange.set);
  for (const std::string& prefix : exchange.answer_prefixes) {
    add(prefix);
  }
  return key;
}

}  // namespace

CachedJudge::CachedJudge(std::unique_ptr<Judge> judge, Cache cache, Progress progress)
    : judge_(std::move(judge)),
      key_(judge_->key()),
      cache_(std::move(cache)),
      progress_(std::move(progress)) {}

std::vector<Judgement> CachedJudge::judge(const std::vector<Exchange>& exchanges) {
  std::vector<Judgement> judgements(exchanges.size());
  std::vector<std::string> keys;
  std::vector<size_t> open;
  for (size_t i = 0; i < exchanges.size(); ++i) {
    keys.push_back("verdict\x1e" + key_ + exchange_key(exchanges[i]));
    if (const auto word = cache_.get(keys.back())) {
      judgements[i].verdict = parse_verdict(*word);
    } else {
      open.push_back(i);
    }
  }
  const int64_t n_open = std::ssize(open);
  for (int64_t start = 0; start < n_open; start += kGroup) {
    report(progress_, {"judging: " + name(), start, n_open, "replies", ""});
    const int64_t n = std::min(kGroup, n_open - start);
    std::vector<Exchange> group;
    for (int64_t k = 0; k < n; ++k) {
      group.push_back(exchanges[open[start + k]]);
    }
    const std::vector<Judgement> said = judge_->judge(group);
    for (int64_t k = 0; k < n; ++k) {
      const size_t i = open[start + k];
      judgements[i] = said[k];
      if (said[k].ok()) {
        cache_.put(keys[i], to_string(said[k].verdict));
      }
    }
  }
  return judgements;
}

}  // namespace mascing
