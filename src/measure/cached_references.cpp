// What the unsteered model says of the texts that divergences are measured on. CBOR, since as text
// it would be three times as long.
#include <optional>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/append.h"
#include "base/sha256.h"
#include "measure/cached_evaluator.h"
#include "measure/cached_numbers.h"

namespace mascing {
namespace {

using nlohmann::json;

constexpr const char* kKind = "references";

std::string texts_key(const std::vector<ScoredText>& texts, int64_t first, int64_t n) {
  Sha256 digest;
  for (int64_t i = first; i < first + n; ++i) {
    const int64_t n_token = std::ssize(texts[i].tokens);
    digest.update(&n_token, sizeof n_token);
    digest.update(texts[i].tokens.data(), texts[i].tokens.size() * sizeof(int32_t));
    digest.update(&texts[i].begin, sizeof texts[i].begin);
  }
  return std::string(kKind) + "\x1e" + std::to_string(kReferenceTokens) + "\x1e" + digest.hex();
}

std::string encode(const std::vector<TextReference>& references) {
  json texts = json::array();
  for (const TextReference& reference : references) {
    json rows = json::array();
    for (const TopRow& row : reference.top) {
      rows.push_back({binary_of(row.tokens), binary_of(row.log_probs), row.rest});
    }
    texts.push_back({reference.is_known, reference.log_prob, std::move(rows)});
  }
  std::string text;
  json::to_cbor(texts, text);
  return text;
}

std::vector<TextReference> decode(const std::string& text) {
  std::vector<TextReference> references;
  for (const json& value : json::from_cbor(text)) {
    TextReference& reference = references.emplace_back();
    reference.is_known = value.at(0).get<bool>();
    reference.log_prob = value.at(1).get<double>();
    for (const json& row : value.at(2)) {
      reference.top.push_back(
          {values_in<int32_t>(row.at(0)), values_in<float>(row.at(1)), row.at(2).get<float>()});
    }
  }
  return references;
}

}  // namespace

std::vector<TextReference> CachedEvaluator::ask_references(const std::string& key,
                                                           const std::vector<ScoredText>& texts) {
  int64_t n_token = 0;
  for (const ScoredText& text : texts) {
    n_token += std::ssize(text.tokens);
  }
  std::optional<std::string> stored = cache_.get(key);
  if (!stored) {
    CallGuard guard = watch(std::ssize(texts), n_token);
    stored = encode(guard.run([&] { return reference_texts(host_, texts); }));
    cache_.put(key, *stored);
  }
  count(key, n_token, 0);
  return decode(*stored);
}

void CachedEvaluator::add_references(std::vector<OutcomeSet>& sets) {
  for (OutcomeSet& set : sets) {
    std::vector<TextReference> references;
    const auto key_of = [&](int64_t first, int64_t n) { return texts_key(set.texts, first, n); };
    in_pieces({kKind, 0, std::ssize(set.texts)}, key_of, [&](int64_t first, int64_t n) {
      const auto begin = set.texts.begin() + first;
      append(ask_references(key_of(first, n), {begin, begin + n}), references);
    });
    set_references(std::move(references), set);
  }
}

}  // namespace mascing
