// A steered reply costs more than its own tokens: the unsteered model reads it for its coherence.
#include "run/forecast_counts.h"

namespace mascing {
namespace {

constexpr double kScoredForms = 2.0;  // a divergence takes a pass without and one with the mask

Tokens divergence(const SetTokens& set, double n) {
  return {
      set.role == SetRole::kBenign ? kScoredForms * n * (set.prompt + set.reply) : 0.0, 0.0, 0.0};
}

}  // namespace

void Tokens::add(const Tokens& other, double times) {
  prefill += times * other.prefill;
  generated += times * other.generated;
  gradient += times * other.gradient;
  text_gradient += times * other.text_gradient;
  opening += times * other.opening;
}

bool is_judged(const SetTokens& set) {
  return set.role == SetRole::kTarget || set.role == SetRole::kHold || set.role == SetRole::kKeep;
}

bool has_margin(const SetTokens& set) {
  return is_judged(set) || set.role == SetRole::kBenign;
}

Tokens replies(const SetTokens& set, double n, bool is_steered) {
  const double again = is_steered ? set.prompt + set.reply : 0.0;
  return {n * (set.prompt - set.shared + again), n * set.reply, 0.0};
}

Tokens questions(const SetTokens& set, double n) {
  Tokens asked;
  asked.prefill = n * (set.prompt + kOpening);
  asked.opening = n * kOpeningRead;
  return asked;
}

Tokens limits(const RunTokens& run, bool is_steered) {
  Tokens sum;
  for (const SetTokens& set : run.sets) {
    const double n = to_double(set.n[1]);
    if (set.role != SetRole::kTarget && has_margin(set)) {
      sum.add(replies(set, n, is_steered));
    }
    sum.add(divergence(set, is_steered ? n : 0.0));
  }
  return sum;
}

Tokens tested(const RunTokens& run, bool is_steered) {
  Tokens sum;
  for (const SetTokens& set : run.sets) {
    const double n = to_double(set.n[2]);
    sum.add(replies(set, n, is_steered));
    sum.add(divergence(set, is_steered ? n : 0.0));
  }
  sum.prefill += (is_steered ? run.text.n_tested : 0.0) + run.text.n_choice;
  return sum;
}

}  // namespace mascing
