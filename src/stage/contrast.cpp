// Topic by topic: the candidates of each side are shuffled, then matched by number of turns,
// nearest first, so that exact matches are made before any other.
#include "mascing/contrast.h"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <set>
#include <utility>

#include "base/random.h"

namespace mascing {
namespace {

/// Position of a candidate in its list, and its number of user turns.
struct Candidate {
  size_t index = 0;
  int64_t n_turn = 0;
};

struct Topic {
  std::vector<Candidate> ones;
  std::vector<Candidate> zeros;
  std::vector<Candidate> prefixes;
};

/// Every beginning that ends with a user message before the last one and was answered.
std::vector<Conversation> prefixes_of(const Conversation& row) {
  std::vector<Conversation> prefixes;
  int64_t n_turn = 0;
  for (size_t i = 0; i + 2 < row.messages.size(); ++i) {
    n_turn += row.messages[i].role == "user" ? 1 : 0;
    const bool is_answered =
        row.messages[i].role == "user" && row.messages[i + 1].role == "assistant";
    if (!is_answered) {
      continue;
    }
    Conversation prefix = row;
    prefix.id = row.id + "/before-" + std::to_string(n_turn + 1);
    prefix.messages.resize(i + 1);
    prefix.label = 0;
    prefix.reference.clear();
    prefix.reply = row.messages[i + 1].content;
    prefixes.push_back(std::move(prefix));
  }
  return prefixes;
}

/// Gives each of `ones` at most one of `others`, those with no more than `max_distance` turns
/// between them, nearest first; both lose what was paired. Returns the indices of the others.
std::vector<size_t> pair_up(std::vector<Candidate>& ones,
                            std::vector<Candidate>& others,
                            int64_t max_distance) {
  std::vector<size_t> chosen;
  std::vector<Candidate> left;
  for (const Candidate& one : ones) {
    const auto nearest =
        std::min_element(others.begin(), others.end(), [&](const Candidate& a, const Candidate& b) {
          return std::abs(a.n_turn - one.n_turn) < std::abs(b.n_turn - one.n_turn);
        });
    if (nearest == others.end() || std::abs(nearest->n_turn - one.n_turn) > max_distance) {
      left.push_back(one);
      continue;
    }
    chosen.push_back(nearest->index);
    others.erase(nearest);
  }
  ones = std::move(left);
  return chosen;
}

class Matcher {
 public:
  Matcher(const std::vector<Conversation>& labelled, Contrast contrast) : labelled_(labelled) {
    for (size_t i = 0; i < labelled.size(); ++i) {
      const Conversation& row = labelled[i];
      if (!row.label) {
        kept_.insert(i);
        continue;
      }
      Topic& topic = topics_[row.topic];
      (*row.label == 1 ? topic.ones : topic.zeros).push_back({i, count_user_turns(row)});
      if (*row.label == 1 && contrast == Contrast::kPrefixes) {
        for (Conversation& prefix : prefixes_of(row)) {
          topic.prefixes.push_back({prefixes_.size(), count_user_turns(prefix)});
          prefixes_.push_back(std::move(prefix));
        }
      }
    }
  }

  ContrastSet match(uint64_t seed) {
    Rng rng(seed);
    for (auto& [name, topic] : topics_) {
      rng.shuffle(topic.ones);
      rng.shuffle(topic.zeros);
      rng.shuffle(topic.prefixes);
      match_topic(topic);
    }
    for (const size_t i : kept_) {
      set_.rows.push_back(labelled_[i]);
    }
    for (const size_t i : kept_prefixes_) {
      set_.rows.push_back(prefixes_[i]);
    }
    return std::move(set_);
  }

 private:
  void match_topic(Topic& topic) {
    constexpr int64_t kAnyDistance = INT64_MAX;
    ContrastReport& report = set_.report;
    const auto all_ones = topic.ones;
    keep(pair_up(topic.ones, topic.zeros, 0), kept_, report.n_same_turns);
    keep(pair_up(topic.ones, topic.zeros, kAnyDistance), kept_, report.n_same_topic);
    keep(pair_up(topic.ones, topic.prefixes, kAnyDistance), kept_prefixes_, report.n_prefix);
    std::set<size_t> unpaired;
    for (const Candidate& one : topic.ones) {
      unpaired.insert(one.index);
    }
    for (const Candidate& one : all_ones) {
      if (unpaired.count(one.index) == 0) {
        kept_.insert(one.index);
        ++report.n_label_1;
      }
    }
    report.n_dropped_1 += std::ssize(topic.ones);
    report.n_dropped_0 += std::ssize(topic.zeros);
  }

  static void keep(const std::vector<size_t>& chosen, std::set<size_t>& kept, int64_t& count) {
    kept.insert(chosen.begin(), chosen.end());
    count += std::ssize(chosen);
  }

  const std::vector<Conversation>& labelled_;
  std::map<std::string, Topic> topics_;
  std::vector<Conversation> prefixes_;
  std::set<size_t> kept_;
  std::set<size_t> kept_prefixes_;
  ContrastSet set_;
};

}  // namespace

const char* to_string(Contrast contrast) {
  switch (contrast) {
    case Contrast::kAll:
      return "all";
    case Contrast::kMatched:
      return "matched";
    case Contrast::kPrefixes:
      break;
  }
  return "prefixes";
}

std::optional<Contrast> parse_contrast(const std::string& text) {
  for (const Contrast contrast : {Contrast::kAll, Contrast::kMatched, Contrast::kPrefixes}) {
    if (text == to_string(contrast)) {
      return contrast;
    }
  }
  return std::nullopt;
}

int64_t count_user_turns(const Conversation& conversation) {
  return std::count_if(conversation.messages.begin(),
                       conversation.messages.end(),
                       [](const Message& message) { return message.role == "user"; });
}

ContrastSet match_contrast(const std::vector<Conversation>& labelled,
                           Contrast contrast,
                           uint64_t seed) {
  if (contrast == Contrast::kAll) {
    return {labelled, {}};
  }
  return Matcher(labelled, contrast).match(seed);
}

}  // namespace mascing
