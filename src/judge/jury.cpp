// Asks one member after the other about its exchanges, then compares the verdicts.
#include "judge/jury.h"

#include <algorithm>
#include <set>

#include "base/numeric.h"
#include "base/sha256.h"
#include "base/text.h"
#include "judge/reply_text.h"
#include "mascing/error.h"

namespace mascing {
namespace {

constexpr int64_t kFewFailures = 4;  // always tolerated
constexpr int64_t kTogether = 16;    // exchanges that a member is asked about at once

bool is_asked(const JuryMember& member, const Exchange& exchange) {
  return member.sets.empty() || exchange.set.empty() ||
         std::find(member.sets.begin(), member.sets.end(), exchange.set) != member.sets.end();
}

Verdict common_verdict(const std::vector<Opinion>& opinions) {
  const Verdict first = opinions.front().verdict;
  const bool agree = std::all_of(opinions.begin(), opinions.end(), [first](const Opinion& other) {
    return other.verdict == first;
  });
  return agree ? first : Verdict::kOther;
}

}  // namespace

Jury::Jury(std::vector<JuryMember> members, double max_failed)
    : members_(std::move(members)), max_failed_(max_failed) {
  std::set<std::string> names;
  for (const JuryMember& member : members_) {
    if (!names.insert(member.judge->name()).second) {
      throw Error(ErrorKind::kUsage,
                  "[judge] two judges have the name '" + member.judge->name() + "'",
                  "give each a unique `name`");
    }
  }
  if (members_.empty()) {
    throw Error(ErrorKind::kUsage,
                "[judge] there are no judges",
                "keep the refusal prefixes on, or add others under [[judges]]");
  }
}

std::string Jury::name() const {
  std::string names;
  for (const JuryMember& member : members_) {
    names += (names.empty() ? "" : " + ") + member.judge->name();
  }
  return names;
}

std::string Jury::key() const {
  Sha256 digest;
  for (const JuryMember& member : members_) {
    digest.update(member.judge->name() + '\n' + member.judge->key());
    for (const std::string& set : member.sets) {
      digest.update('\n' + set);
    }
    digest.update("\x1e");
  }
  return digest.hex();
}

bool Jury::is_costly() const {
  return std::any_of(members_.begin(), members_.end(), [](const JuryMember& member) {
    return member.judge->is_costly();
  });
}

std::vector<Judgement> Jury::judge(const std::vector<Exchange>& exchanges) {
  std::vector<Judgement> judgements(exchanges.size());
  std::vector<bool> is_silent(exchanges.size());
  for (size_t i = 0; i < exchanges.size(); ++i) {
    if (const auto verdict = silent_verdict(exchanges[i].reply)) {
      judgements[i].verdict = *verdict;
      is_silent[i] = true;
    }
  }
  for (JuryMember& member : members_) {
    ask(member, exchanges, is_silent, judgements);
  }
  for (size_t i = 0; i < judgements.size(); ++i) {
    Judgement& judgement = judgements[i];
    if (!judgement.opinions.empty()) {
      judgement.verdict = common_verdict(judgement.opinions);
    } else if (judgement.ok() && !is_silent[i]) {
      judgement.error = "no judge covers this set";
    }
  }
  return judgements;
}

void Jury::ask(JuryMember& member,
               const std::vector<Exchange>& exchanges,
               const std::vector<bool>& is_silent,
               std::vector<Judgement>& judgements) {
  std::vector<size_t> indices;
  for (size_t i = 0; i < exchanges.size(); ++i) {
    if (!is_silent[i] && is_asked(member, exchanges[i])) {
      indices.push_back(i);
    }
  }
  const int64_t n = std::ssize(indices);
  const int64_t n_to_judge = member.n_asked + n;
  std::string last_error;
  for (int64_t start = 0; start < n; start += kTogether) {
    report(member.progress, {"judging: " + member.judge->name(), start, n, "replies", ""});
    const int64_t end = std::min(n, start + kTogether);
    std::vector<Exchange> asked;
    for (int64_t k = start; k < end; ++k) {
      asked.push_back(exchanges[indices[k]]);
    }
    const std::vector<Judgement> said = member.judge->judge(asked);
    for (int64_t k = start; k < end; ++k) {
      const Judgement& one = said[k - start];
      Judgement& judgement = judgements[indices[k]];
      ++member.n_asked;
      if (one.ok()) {
        judgement.opinions.push_back({member.judge->name(), one.verdict});
      } else {
        ++member.n_failed;
        last_error = one.error;
        judgement.error = member.judge->name() + ": " + one.error;
      }
    }
    require_trust(member, n_to_judge, last_error);
  }
}

void Jury::require_trust(const JuryMember& member,
                         int64_t n_to_judge,
                         const std::string& last_error) const {
  const double allowed = max_failed_ * to_double(n_to_judge);
  if (member.n_failed <= kFewFailures || to_double(member.n_failed) <= allowed) {
    return;
  }
  throw Error(ErrorKind::kHost,
              "[judge] '" + member.judge->name() + "' failed on " +
                  std::to_string(member.n_failed) + " of " + std::to_string(member.n_asked) +
                  " replies (" + format_percent(max_failed_) + " are allowed); " +
                  (last_error.empty() ? "" : "last error: " + last_error),
              std::string(member.is_saved ? "the verdicts so far are saved; " : "") +
                  "fix the judge and run the same command again");
}

void Jury::self_test() {
  for (JuryMember& member : members_) {
    member.judge->self_test();
  }
}

}  // namespace mascing
