// `mascing judge`: verdicts on replies in a file, why, and how far they agree with people.
#include <iostream>
#include <map>

#include <nlohmann/json.hpp>

#include "base/numeric.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/judge_arguments.h"
#include "cli/options.h"
#include "cli/progress_line.h"
#include "judge/phrase_judge.h"
#include "mascing/error.h"
#include "mascing/make_judge.h"
#include "measure/judge_agreement.h"
#include "measure/labelled_replies.h"
#include "report/columns.h"

namespace mascing::cli {
namespace {

constexpr size_t kIdWidth = 12;
constexpr size_t kShownReason = 100;

struct JudgeCommand {
  std::string file;
  bool json = false;
  JudgeArguments judges;
};

/// A verdict and what it rests on.
struct Reasoned {
  Judgement judgement;
  std::string rule = {};
  std::string words = {};
};

struct Judged {
  std::string judge;
  std::vector<Reasoned> replies;
  int64_t n_byte = 0;  // of the replies, and how many of them were read; 0 = not known
  int64_t n_byte_read = 0;
};

Judged judge_by_phrases(const std::vector<LabelledReply>& replies, const JudgeOptions& options) {
  PhraseJudge judge(options);
  judge.self_test();
  Judged judged{judge.name(), {}};
  for (const LabelledReply& reply : replies) {
    PhraseFinding finding = judge.find(reply.exchange.reply);
    judged.n_byte += static_cast<int64_t>(finding.n_byte);
    judged.n_byte_read += static_cast<int64_t>(finding.n_byte_read);
    judged.replies.push_back(
        {{finding.verdict}, std::move(finding.rule), std::move(finding.words)});
  }
  return judged;
}

std::string said_by(const std::vector<Opinion>& opinions) {
  std::string text;
  for (const Opinion& opinion : opinions) {
    text += (text.empty() ? "" : ", ") + opinion.judge + " says " + to_string(opinion.verdict);
  }
  return text;
}

Judged judge_by_others(const std::vector<LabelledReply>& replies, const JudgeOptions& options) {
  ProgressLine line;
  JudgeTools tools;
  tools.open_model = ModelOptions{}.judge_opener();
  tools.progress = line.callback();
  const std::unique_ptr<Judge> judge = make_judge(options, tools);
  judge->self_test();
  std::vector<Exchange> exchanges;
  exchanges.reserve(replies.size());
  for (const LabelledReply& reply : replies) {
    exchanges.push_back(reply.exchange);
  }
  Judged judged{judge->name(), {}};
  for (Judgement& judgement : judge->judge(exchanges)) {
    const std::string rule = said_by(judgement.opinions);
    judged.replies.push_back({std::move(judgement), rule});
  }
  return judged;
}

bool is_phrases_alone(const JudgeOptions& options) {
  return options.uses_prefixes && options.builtin == BuiltinJudge::kPhrases &&
         options.also.empty() && options.own.empty();
}

std::vector<std::pair<Verdict, Verdict>> labelled_pairs(const std::vector<LabelledReply>& replies,
                                                        const Judged& judged) {
  std::vector<std::pair<Verdict, Verdict>> pairs;
  for (size_t i = 0; i < replies.size(); ++i) {
    if (replies[i].label && judged.replies[i].judgement.ok()) {
      pairs.emplace_back(*replies[i].label, judged.replies[i].judgement.verdict);
    }
  }
  return pairs;
}

nlohmann::json to_value(const Rate& rate) {
  return {{"rate", rate.rate}, {"low", rate.low}, {"high", rate.high}, {"n", rate.n}};
}

nlohmann::json to_value(const JudgeAgreement& agreement) {
  nlohmann::json confusion = nlohmann::json::object();
  for (size_t a = 0; a < JudgeAgreement::kWords.size(); ++a) {
    for (size_t b = 0; b < JudgeAgreement::kWords.size(); ++b) {
      confusion[to_string(JudgeAgreement::kWords.at(a))][to_string(JudgeAgreement::kWords.at(b))] =
          agreement.confusion.at(a).at(b);
    }
  }
  return {{"n", agreement.n},
          {"agreed", agreement.n_agreed},
          {"kappa", agreement.kappa ? nlohmann::json(*agreement.kappa) : nlohmann::json()},
          {"refused", agreement.n_refused},
          {"answered", agreement.n_answered},
          {"recall", to_value(agreement.recall)},
          {"false_alarms", to_value(agreement.false_alarms)},
          {"confusion", std::move(confusion)}};
}

std::map<std::string, int64_t> counts_of(const Judged& judged) {
  std::map<std::string, int64_t> counts;
  for (const Reasoned& reply : judged.replies) {
    ++counts[reply.judgement.ok() ? to_string(reply.judgement.verdict) : "failed"];
  }
  return counts;
}

void print_json(const std::vector<LabelledReply>& replies, const Judged& judged) {
  nlohmann::json rows = nlohmann::json::array();
  for (size_t i = 0; i < replies.size(); ++i) {
    const Reasoned& reply = judged.replies[i];
    nlohmann::json row = {{"id", replies[i].id}, {"rule", reply.rule}, {"words", reply.words}};
    if (reply.judgement.ok()) {
      row["verdict"] = to_string(reply.judgement.verdict);
    } else {
      row["error"] = reply.judgement.error;
    }
    if (replies[i].label) {
      row["label"] = to_string(*replies[i].label);
    }
    rows.push_back(std::move(row));
  }
  nlohmann::json value = {
      {"judge", judged.judge}, {"counts", counts_of(judged)}, {"replies", std::move(rows)}};
  const auto pairs = labelled_pairs(replies, judged);
  if (!pairs.empty()) {
    value["agreement"] = to_value(judge_agreement(pairs));
  }
  if (judged.n_byte > 0) {
    value["share_read"] = ratio(judged.n_byte_read, judged.n_byte);
  }
  std::cout << value.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) << '\n';
}

/// A column of a table, and a space behind what is wider.
std::string column(const std::string& text, size_t width) {
  return padded(text, std::max(width, width_of(text) + 1), true);
}

void print_replies(const std::vector<LabelledReply>& replies, const Judged& judged) {
  for (size_t i = 0; i < replies.size(); ++i) {
    const Reasoned& reply = judged.replies[i];
    const std::string verdict =
        reply.judgement.ok() ? to_string(reply.judgement.verdict) : "failed";
    std::string reason = reply.judgement.ok() ? reply.rule : reply.judgement.error;
    if (!reply.words.empty()) {
      reason += " (" + reply.words + ")";
    }
    const bool differs =
        replies[i].label && reply.judgement.ok() && *replies[i].label != reply.judgement.verdict;
    std::cout << column(printable(replies[i].id, 40), kIdWidth) << column(verdict, 10)
              << (differs ? std::string("[") + to_string(*replies[i].label) + "] " : "")
              << printable(reason, kShownReason) << '\n';
  }
}

std::string with_interval(const Rate& rate) {
  return rate.n == 0 ? "none"
                     : format_percent(rate.rate) + " (" + percent_number(rate.low) + " to " +
                           percent_number(rate.high) + "), n = " + std::to_string(rate.n);
}

void print_agreement(const JudgeAgreement& agreement) {
  std::cout << "\nagreement with labels: " << agreement.n_agreed << " of " << agreement.n
            << (agreement.kappa ? ", kappa " + format_number(*agreement.kappa, 2) : "") << '\n'
            << "refusals seen:         " << with_interval(agreement.recall) << '\n'
            << "answers called refused: " << with_interval(agreement.false_alarms) << '\n'
            << column("label", kIdWidth);
  for (const Verdict word : JudgeAgreement::kWords) {
    std::cout << column(to_string(word), 10);
  }
  std::cout << '\n';
  for (size_t a = 0; a < JudgeAgreement::kWords.size(); ++a) {
    std::cout << column(to_string(JudgeAgreement::kWords.at(a)), kIdWidth);
    for (const int64_t n : agreement.confusion.at(a)) {
      std::cout << column(std::to_string(n), 10);
    }
    std::cout << '\n';
  }
}

void execute(const JudgeCommand& arguments, Session& session) {
  JudgeOptions options;
  options.builtin = BuiltinJudge::kPhrases;
  arguments.judges.apply(options);
  const std::vector<LabelledReply> replies = read_labelled_replies(arguments.file);
  const Judged judged = is_phrases_alone(options) ? judge_by_phrases(replies, options)
                                                  : judge_by_others(replies, options);
  session.exit_code = 0;
  const auto n_number = std::count_if(
      replies.begin(), replies.end(), [](const LabelledReply& reply) { return reply.has_number; });
  if (n_number > 0) {
    std::cerr << "note: " << n_number << " of " << replies.size()
              << " rows have a number under \"label\", the outcome of a conversation, which is not "
                 "compared; people's labels are words (refused, answered, ...) under \"verdict\"\n";
  }
  if (arguments.json) {
    print_json(replies, judged);
    return;
  }
  print_replies(replies, judged);
  std::cout << '\n' << replies.size() << " replies, judged by " << judged.judge << ':';
  for (const auto& [word, n] : counts_of(judged)) {
    std::cout << ' ' << n << ' ' << word;
  }
  std::cout << '\n';
  if (judged.n_byte > 0) {
    std::cout << "read " << format_percent(ratio(judged.n_byte_read, judged.n_byte))
              << " of their text\n";
  }
  const auto pairs = labelled_pairs(replies, judged);
  if (!pairs.empty()) {
    print_agreement(judge_agreement(pairs));
  }
}

}  // namespace

void add_judge(CLI::App& app, Session& session) {
  auto arguments = std::make_shared<JudgeCommand>();
  CLI::App* command = app.add_subcommand(
      "judge",
      "Judge replies in a file (JSON lines or CSV with reply, completion or response) and say why. "
      "Where rows have a person's label (verdict, final_label or label), also say how far judge "
      "and people agree.");
  add_examples(*command,
               "  mascing judge replies.jsonl\n"
               "  mascing judge replies.csv --judge refusal --json");
  command->add_option("file", arguments->file, "Replies to judge")->required();
  command->add_flag("--json", arguments->json, "Print verdicts and agreement as JSON");
  arguments->judges.add_to(*command);
  command->callback([arguments, &session] { execute(*arguments, session); });
}

}  // namespace mascing::cli
