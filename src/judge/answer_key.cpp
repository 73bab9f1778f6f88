// Searches phrases at word boundaries in normalised text.
#include "judge/answer_key.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "base/files.h"
#include "base/sha256.h"
#include "base/similar_text.h"
#include "base/text.h"
#include "format/json_text.h"
#include "judge/known_exchanges.h"
#include "judge/reply_text.h"
#include "mascing/error.h"

namespace mascing {
namespace {

using nlohmann::json;

constexpr const char* kForm =
    R"(it looks like {"answers": [{"name": "...", "phrases": ["...", "..."], "at_least": 2}]}, and )"
    R"(may have "refusals" of the same form and "otherwise": "refused", "answered" or "other")";

class KeyReader {
 public:
  explicit KeyReader(const std::string& path) : file_(file_name(path)) {
    const json root = parse_json(read_text_file(path), "[judge] " + file_, kForm);
    if (!root.is_object() || !root.contains("answers")) {
      fail("\"answers\" is missing or not a list");
    }
    key.answers = read_list(root, "answers");
    if (root.contains("refusals")) {
      key.refusals = read_list(root, "refusals");
    }
    if (key.answers.empty() && key.refusals.empty()) {
      fail("\"answers\" is empty");
    }
    key.otherwise = read_otherwise(root);
  }

  AnswerKey key;

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw Error(ErrorKind::kBadInput, "[judge] " + file_ + ": " + what, kForm);
  }

  [[nodiscard]] std::vector<KnownAnswer> read_list(const json& root, const char* name) const {
    if (!root.at(name).is_array()) {
      fail('"' + std::string(name) + "\" is missing or not a list");
    }
    std::vector<KnownAnswer> list;
    const std::string kind = std::string(name) == "answers" ? "answer " : "refusal ";
    for (const json& value : root.at(name)) {
      list.push_back(read(value, kind + std::to_string(list.size() + 1)));
    }
    return list;
  }

  [[nodiscard]] Verdict read_otherwise(const json& root) const {
    if (!root.contains("otherwise")) {
      return key.refusals.empty() ? Verdict::kRefused : Verdict::kOther;
    }
    for (const Verdict verdict : {Verdict::kRefused, Verdict::kAnswered, Verdict::kOther}) {
      if (root.at("otherwise") == to_string(verdict)) {
        return verdict;
      }
    }
    fail("\"otherwise\" is " + printable(root.at("otherwise").dump()) +
         ", expected \"refused\", \"answered\" or \"other\"");
  }

  [[nodiscard]] KnownAnswer read(const json& value, const std::string& where) const {
    if (!value.is_object() || !value.contains("phrases") || !value.at("phrases").is_array()) {
      fail(where + " has no list of \"phrases\"");
    }
    KnownAnswer answer;
    answer.name = value.contains("name") && value.at("name").is_string()
                      ? value.at("name").get<std::string>()
                      : where;
    for (const json& phrase : value.at("phrases")) {
      answer.phrases.push_back(phrase.is_string() ? normalise(phrase.get<std::string>()) : "");
      if (answer.phrases.back().empty()) {
        fail(where + " has a phrase without words: " + printable(phrase.dump()));
      }
    }
    std::sort(answer.phrases.begin(), answer.phrases.end());
    answer.phrases.erase(std::unique(answer.phrases.begin(), answer.phrases.end()),
                         answer.phrases.end());
    const json least = value.value("at_least", json(1));
    const int64_t n_phrase = std::ssize(answer.phrases);
    if (!least.is_number_integer() || least < 1 || least > n_phrase) {
      fail(where + ": \"at_least\" is " + printable(least.dump()) + ", expected 1 to " +
           std::to_string(n_phrase) + ", the number of its phrases");
    }
    answer.n_least = least.get<int64_t>();
    return answer;
  }

  std::string file_;
};

bool holds(std::string_view text, std::string_view phrase) {
  for (size_t at = text.find(phrase); at != std::string_view::npos;
       at = text.find(phrase, at + 1)) {
    if (is_word_boundary(text, at) && is_word_boundary(text, at + phrase.size())) {
      return true;
    }
  }
  return false;
}

bool recognises(const std::vector<KnownAnswer>& list, std::string_view text) {
  return std::any_of(list.begin(), list.end(), [&](const KnownAnswer& known) {
    return std::count_if(
               known.phrases.begin(), known.phrases.end(), [&](const std::string& phrase) {
                 return holds(text, phrase);
               }) >= known.n_least;
  });
}

}  // namespace

AnswerKey read_answer_key(const std::string& path) {
  return KeyReader(path).key;
}

AnswerKeyJudge::AnswerKeyJudge(JudgeSpec spec)
    : spec_(std::move(spec)), key_(read_answer_key(spec_.answer_key)) {}

std::string AnswerKeyJudge::key() const {
  Sha256 digest;
  digest.update("answer key");
  const auto add = [&](const std::vector<KnownAnswer>& list) {
    for (const KnownAnswer& known : list) {
      digest.update('\n' + std::to_string(known.n_least));
      for (const std::string& phrase : known.phrases) {
        digest.update('\n' + phrase);
      }
    }
  };
  add(key_.answers);
  if (!key_.refusals.empty() || key_.otherwise != Verdict::kRefused) {
    digest.update("\nrefusals");
    add(key_.refusals);
    digest.update("\notherwise " + std::string(to_string(key_.otherwise)));
  }
  return digest.hex();
}

Verdict AnswerKeyJudge::verdict_of(std::string_view reply) const {
  const std::string text = normalise(visible_reply(reply));
  if (text.empty()) {
    return silent_verdict(reply).value_or(Verdict::kEmpty);
  }
  const bool is_answer = recognises(key_.answers, text);
  if (recognises(key_.refusals, text)) {
    return is_answer ? Verdict::kPartial : Verdict::kRefused;
  }
  return is_answer ? Verdict::kAnswered : key_.otherwise;
}

std::vector<Judgement> AnswerKeyJudge::judge(const std::vector<Exchange>& exchanges) {
  std::vector<Judgement> judgements(exchanges.size());
  for (size_t i = 0; i < exchanges.size(); ++i) {
    judgements[i].verdict = verdict_of(exchanges[i].reply);
  }
  return judgements;
}

void AnswerKeyJudge::self_test() {
  check_known(*this, known_exchanges(spec_));
}

}  // namespace mascing
