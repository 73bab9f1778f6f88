// One cache entry per exchange, holding the verdict as a word.
#include "measure/cached_judge.h"

namespace mascing {
namespace {

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

CachedJudge::CachedJudge(std::unique_ptr<Judge> judge, Cache cache)
    : judge_(std::move(judge)), key_(judge_->key()), cache_(std::move(cache)) {}

std::vector<Judgement> CachedJudge::judge(const std::vector<Exchange>& exchanges) {
  std::vector<Judgement> judgements(exchanges.size());
  std::vector<std::string> keys;
  std::vector<size_t> open;
  std::vector<Exchange> asked;
  for (size_t i = 0; i < exchanges.size(); ++i) {
    keys.push_back("verdict\x1e" + key_ + exchange_key(exchanges[i]));
    if (const auto word = cache_.get(keys.back())) {
      judgements[i].verdict = parse_verdict(*word);
    } else {
      open.push_back(i);
      asked.push_back(exchanges[i]);
    }
  }
  if (open.empty()) {
    return judgements;
  }
  const std::vector<Judgement> said = judge_->judge(asked);
  for (size_t k = 0; k < open.size(); ++k) {
    const size_t i = open[k];
    judgements[i] = said[k];
    if (said[k].ok()) {
      cache_.put(keys[i], to_string(said[k].verdict));
    }
  }
  return judgements;
}

}  // namespace mascing
