// Sentences are found in the text, and their first token by spelling the reply token by token.
#include "search/conclusion.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <string_view>

#include "base/numeric.h"
#include "mascing/reply_parts.h"

namespace mascing {
namespace {

constexpr std::string_view kSpaces = " \t\r\n";
constexpr int64_t kFirstWords = 4;     // by which sentences are compared
constexpr int64_t kMostLeads = 3;      // sentences of a conclusion before the last one
constexpr double kLeastSupport = 5.0;  // replies
constexpr double kBeforeLast = 0.9;    // of a lead sentence's occurrences
constexpr double kOneKind = 0.95;      // likewise
constexpr double kByChance = 0.01;     // that so many are of one kind

bool is_space(char c) {
  return kSpaces.find(c) != std::string_view::npos;
}

/// Where the sentences of a text begin: behind a space that follows a mark, or in a new line.
std::vector<size_t> sentence_starts(std::string_view text) {
  std::vector<size_t> starts = {0};
  bool is_new = false;
  for (size_t i = 1; i < text.size(); ++i) {
    if (is_space(text[i])) {
      is_new = is_new || text[i] == '\n' ||
               std::string_view(".!?:").find(text[i - 1]) != std::string_view::npos;
    } else if (is_new) {
      starts.push_back(i);
      is_new = false;
    }
  }
  return starts;
}

/// The first words of the sentence at `start`.
std::string first_words(std::string_view text, size_t start, size_t end) {
  std::string words;
  int64_t n_word = 0;
  for (size_t i = start; i < end && n_word < kFirstWords; ++i) {
    if (!is_space(text[i])) {
      words += text[i];
    } else if (!words.empty() && words.back() != ' ') {
      words += ++n_word < kFirstWords ? " " : "";
    }
  }
  return words.substr(0, words.find_last_not_of(' ') + 1);
}

std::vector<std::string> sentences_of(std::string_view text) {
  const std::vector<size_t> starts = sentence_starts(text);
  std::vector<std::string> sentences;
  for (size_t i = 0; i < starts.size(); ++i) {
    const size_t end = i + 1 < starts.size() ? starts[i + 1] : text.size();
    sentences.push_back(first_words(text, starts[i], end));
  }
  return sentences;
}

/// Index of the sentence with which the conclusion begins.
size_t conclusion_of(const std::vector<std::string>& sentences, const LeadSentences& leads) {
  size_t i = sentences.size() - 1;
  for (int64_t n = 0; n < kMostLeads && i > 0 && leads.count(sentences[i - 1]) != 0; ++n) {
    --i;
  }
  return i;
}

/// Of one sentence before the conclusions of all replies.
struct Occurrences {
  double n = 0.0;
  double n_last = 0.0;          ///< right before the conclusion
  double n_last_refused = 0.0;  ///< likewise, in refusals
};

/// Whether a sentence with these occurrences decides. `refused`: share of refusals among replies.
bool decides(const Occurrences& seen, double refused) {
  if (seen.n_last < kLeastSupport || seen.n_last < kBeforeLast * seen.n) {
    return false;
  }
  const bool of_refusals = 2.0 * seen.n_last_refused > seen.n_last;
  const double n_kind = of_refusals ? seen.n_last_refused : seen.n_last - seen.n_last_refused;
  const double share = of_refusals ? refused : 1.0 - refused;
  return n_kind >= kOneKind * seen.n_last && std::pow(share, seen.n_last) < kByChance;
}

/// Sentences that decide if the conclusions begin as `leads` say.
LeadSentences deciding(const std::vector<DecidedReasoning>& replies,
                       const std::vector<std::vector<std::string>>& sentences,
                       const LeadSentences& leads) {
  std::map<std::string, Occurrences> seen;
  double n_refused = 0.0;
  for (size_t i = 0; i < replies.size(); ++i) {
    const double refused = replies[i].is_refused ? 1.0 : 0.0;
    n_refused += refused;
    const size_t first = conclusion_of(sentences[i], leads);
    for (size_t k = 0; k < first; ++k) {
      Occurrences& of_sentence = seen[sentences[i][k]];
      const double last = k + 1 == first ? 1.0 : 0.0;
      of_sentence.n += 1.0;
      of_sentence.n_last += last;
      of_sentence.n_last_refused += last * refused;
    }
  }
  LeadSentences found;
  for (const auto& [sentence, occurrences] : seen) {
    if (decides(occurrences, n_refused / to_double(std::ssize(replies)))) {
      found.insert(sentence);
    }
  }
  return found;
}

}  // namespace

LeadSentences find_lead_sentences(const std::vector<DecidedReasoning>& replies) {
  std::vector<std::vector<std::string>> sentences;
  sentences.reserve(replies.size());
  for (const DecidedReasoning& reply : replies) {
    sentences.push_back(sentences_of(reply.reasoning));
  }
  LeadSentences leads;
  for (int64_t round = 0; round < kMostLeads; ++round) {
    leads.merge(deciding(replies, sentences, leads));
  }
  return leads;
}

std::string reasoning_of(const Host& host, const AskedReply& reply) {
  return split_reply(reply.text, {host.reasoning_marks(), true}).reasoning;
}

int64_t n_before_conclusion(const Host& host, const AskedReply& reply, const LeadSentences& leads) {
  const std::string reasoning = reasoning_of(host, reply);
  const size_t begin = reasoning.empty() ? std::string::npos : reply.text.find(reasoning);
  if (begin == std::string::npos) {
    return reply.n_reasoning_token;
  }
  const size_t target =
      begin + sentence_starts(reasoning)[conclusion_of(sentences_of(reasoning), leads)];
  std::string spelled;
  for (int64_t i = 0; i < reply.n_reasoning_token; ++i) {
    spelled += host.piece(reply.tokens[i]);
    if (spelled.size() > target) {
      return i;
    }
  }
  return reply.n_reasoning_token;
}

}  // namespace mascing
