// Questions of a search: margins, divergences and their derivatives, cached like all the rest.
#include <algorithm>
#include <optional>

#include <nlohmann/json.hpp>

#include "base/append.h"
#include "base/sha256.h"
#include "measure/cached_evaluator.h"
#include "measure/cached_numbers.h"
#include "measure/gradient_codec.h"

namespace mascing {
namespace {

using nlohmann::json;

constexpr const char* kGradients = "gradients";

/// What derivatives by the values of a mask depend on even where all of them are zero and it
/// changes nothing.
std::string units_key(const Steering& steering) {
  const Mask& mask = *steering.mask;
  Sha256 digest;
  digest.update(to_string(mask.sigma_rule));
  digest.update(&steering.alpha, sizeof steering.alpha);
  digest.update(mask.sigma.data(), mask.sigma.size() * sizeof(float));
  return digest.hex() + (mask.has_adapter() ? mask.adapter.hash() : "");
}

/// What the answers to a question depend on besides its item.
std::string mask_key(const std::string& kind, const Steering& steering) {
  const bool needs_units = kind == kGradients && !is_active(steering) && steering.mask;
  return steering_key(steering) + (needs_units ? units_key(steering) : "");
}

/// Under which the answers to questions are stored.
std::string questions_key(const std::string& kind,
                          const std::string& objectives_key,
                          const std::vector<Question>& questions) {
  Sha256 digest;
  const Question* last = nullptr;
  std::string key;  // of the last question's mask: neighbours often share it
  for (const Question& question : questions) {
    digest.update(&question.i_set, sizeof question.i_set);
    digest.update(&question.i_item, sizeof question.i_item);
    if (last == nullptr || last->steering.mask != question.steering.mask ||
        last->steering.alpha != question.steering.alpha ||
        last->steering.rule != question.steering.rule ||
        last->steering.control != question.steering.control) {
      key = mask_key(kind, question.steering);
      last = &question;
    }
    digest.update(key);
  }
  return kind + "\x1e" + objectives_key + "\x1e" + digest.hex();
}

/// Prefill tokens of one request.
int64_t n_token_of(const OutcomeSet& set, int64_t i_item) {
  if (!set.has_margin()) {
    return std::ssize(set.texts.at(i_item).tokens);
  }
  int64_t n_token = std::ssize(set.prompts.at(i_item));
  for (const TokenSequence& opening : *set.openings) {
    n_token += std::ssize(opening);
  }
  return n_token;
}

std::vector<Question> part_of(const std::vector<Question>& questions, int64_t first, int64_t n) {
  return {questions.begin() + first, questions.begin() + first + n};
}

int64_t count_tokens(const std::vector<OutcomeSet>& sets, const std::vector<Question>& questions) {
  int64_t n_token = 0;
  for (const Question& question : questions) {
    n_token += n_token_of(sets[question.i_set], question.i_item);
  }
  return n_token;
}

int64_t count_differentiated(const std::vector<OutcomeSet>& sets,
                             const std::vector<Question>& questions) {
  int64_t n_token = 0;
  for (const Question& question : questions) {
    n_token += n_differentiated(sets[question.i_set], question.i_item);
  }
  return n_token;
}

/// What has no derivative.
void note_left_out(const std::vector<OutcomeSet>& sets,
                   const std::vector<Question>& questions,
                   const std::vector<OutcomeGradient>& answers,
                   LeftOut& left_out) {
  for (size_t i = 0; i < questions.size(); ++i) {
    if (answers[i].d_steer.empty()) {
      left_out.add(sets[questions[i].i_set], questions[i].i_item, answers[i].error);
    }
  }
}

void append_values(const std::string& text, std::vector<double>& all) {
  for (const json& value : json::parse(text)) {
    all.push_back(number_or_nan(value));
  }
}

}  // namespace

std::vector<double> CachedEvaluator::outcomes(const std::vector<OutcomeSet>& sets,
                                              const std::string& objectives_key,
                                              const std::vector<Question>& questions) {
  std::vector<double> all;
  const auto key_of = [&](int64_t first, int64_t n) {
    return questions_key("outcomes", objectives_key, part_of(questions, first, n));
  };
  in_pieces({"outcomes", 0, std::ssize(questions)}, key_of, [&](int64_t first, int64_t n) {
    const std::vector<Question> part = part_of(questions, first, n);
    const std::string key = key_of(first, n);
    const int64_t n_token = count_tokens(sets, part);
    std::optional<std::string> text = cache_.get(key);
    if (!text) {
      const std::vector<double> values =
          watch(n, n_token).run([&] { return measure_outcomes(host_, sets, part); });
      text = json(values).dump();  // JSON has no NaN: null
      cache_.put(key, *text);
    }
    count(key, n_token, 0);
    append_values(*text, all);
  });
  return all;
}

std::vector<OutcomeGradient> CachedEvaluator::ask_gradients(const std::vector<OutcomeSet>& sets,
                                                            const std::string& key,
                                                            const std::vector<Question>& part) {
  const int64_t n_token = count_tokens(sets, part);
  std::optional<std::string> text = cache_.get(key);
  if (!text) {
    text = encode_gradients(watch(std::ssize(part), n_token).run([&] {
      return measure_outcome_gradients(host_, sets, part);
    }));
    cache_.put(key, *text);
  }
  count(key, n_token + 2 * count_differentiated(sets, part), 0);
  return decode_gradients(*text);
}

std::vector<OutcomeGradient> CachedEvaluator::gradients(const std::string& what,
                                                        const std::vector<OutcomeSet>& sets,
                                                        const std::string& objectives_key,
                                                        const std::vector<Question>& questions) {
  std::vector<OutcomeGradient> all;
  const int64_t n_total = std::ssize(questions);
  const auto key_of = [&](int64_t first, int64_t n) {
    return questions_key(kGradients, objectives_key, part_of(questions, first, n));
  };
  for (int64_t start = 0; start < n_total; start += kGradientChunk) {
    const int64_t end = std::min(start + kGradientChunk, n_total);
    in_pieces({kGradients, start, end}, key_of, [&](int64_t first, int64_t n) {
      if (!what.empty()) {
        report(shown_, {what, first, n_total, "conversations", ""});
      }
      const std::vector<Question> part = part_of(questions, first, n);
      const std::vector<OutcomeGradient> answers = ask_gradients(sets, key_of(first, n), part);
      note_left_out(sets, part, answers, left_out_);
      append(answers, all);
    });
  }
  return all;
}

}  // namespace mascing
