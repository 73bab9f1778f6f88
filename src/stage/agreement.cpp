// Counts of paired verdicts.
#include "stage/agreement.h"

#include <algorithm>
#include <map>

#include "base/numeric.h"

namespace mascing {
namespace {

constexpr size_t kListed = 100;

bool differ(const std::vector<Opinion>& opinions) {
  return std::any_of(opinions.begin(), opinions.end(), [&](const Opinion& opinion) {
    return opinion.verdict != opinions.front().verdict;
  });
}

}  // namespace

std::optional<double> cohen_kappa(const std::vector<std::pair<Verdict, Verdict>>& verdicts) {
  std::map<Verdict, double> first;
  std::map<Verdict, double> second;
  double n_agreed = 0.0;
  for (const auto& [a, b] : verdicts) {
    first[a] += 1.0;
    second[b] += 1.0;
    n_agreed += a == b ? 1.0 : 0.0;
  }
  const double n = to_double(std::ssize(verdicts));
  double expected = 0.0;
  for (const auto& [verdict, n_first] : first) {
    expected += n_first * second[verdict];
  }
  if (verdicts.empty() || expected >= n * n) {
    return std::nullopt;
  }
  return (n_agreed * n - expected) / (n * n - expected);
}

void AgreementCount::add(const std::string& metric,
                         const std::string& side,
                         const std::vector<AskedReply>& replies,
                         const std::vector<JudgedReply>& judged) {
  for (size_t i = 0; i < judged.size(); ++i) {
    add({metric, replies[i].id, side, replies[i].visible, {}}, judged[i].opinions);
  }
}

void AgreementCount::add(Disagreement reply, const std::vector<Opinion>& opinions) {
  for (size_t a = 0; a < opinions.size(); ++a) {
    for (size_t b = a + 1; b < opinions.size(); ++b) {
      add_pair(opinions[a], opinions[b]);
    }
  }
  if (!differ(opinions)) {
    return;
  }
  ++n_disagreement_;
  if (disagreements_.size() < kListed) {
    for (const Opinion& opinion : opinions) {
      reply.verdicts[opinion.judge] = to_string(opinion.verdict);
    }
    disagreements_.push_back(std::move(reply));
  }
}

void AgreementCount::add_pair(const Opinion& a, const Opinion& b) {
  const auto names = std::make_pair(a.judge, b.judge);
  if (!pairs_.contains(names)) {
    order_.push_back(names);
  }
  pairs_[names].emplace_back(a.verdict, b.verdict);
}

void AgreementCount::write(JudgesResult& result) const {
  result.agreement.clear();
  for (const auto& names : order_) {
    const auto& verdicts = pairs_.at(names);
    const int64_t n_agreed = std::count_if(verdicts.begin(), verdicts.end(), [](const auto& pair) {
      return pair.first == pair.second;
    });
    result.agreement.push_back(
        {names.first, names.second, std::ssize(verdicts), n_agreed, cohen_kappa(verdicts)});
  }
  result.n_disagreement = n_disagreement_;
  result.disagreements = disagreements_;
}

}  // namespace mascing
