// Two hosts run one after the other on the same texts; the refusal prefixes judge the replies.
#include "export/check_form.h"

#include <algorithm>
#include <cmath>

#include "base/files.h"
#include "base/numeric.h"
#include "base/text.h"
#include "export/fidelity.h"
#include "export/followed_choice.h"
#include "judge/refusal_judge.h"
#include "mascing/error.h"
#include "mascing/results.h"

namespace mascing {
namespace {

constexpr int64_t kReplyToken = 100;
constexpr double kLeastEffect = 1e-3;  // nats a token: below, a mask does next to nothing
constexpr double kNoBetter = 0.95;     // of what the unsteered model is away
constexpr double kPoorCheck = 0.9;     // share of tokens with the same experts
constexpr double kManyDecisions = 0.05;
constexpr double kRounding = 1e-5;  // results.json keeps six digits

bool is_same_matrix(const std::vector<float>& a, const std::vector<float>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](double x, double y) {
    return std::fabs(x - y) <= kRounding * std::fabs(x);
  });
}

}  // namespace

FidelityRecord check_form(const Mask& mask,
                          const ExportOptions& options,
                          const LlamaHostOptions& exported,
                          const Progress& progress) {
  const RefusalJudge judge(JudgeOptions{});
  const auto exact = options.open_host(options.model);
  const auto other = options.open_host(exported);
  const Steering steering{std::make_shared<const Mask>(mask), mask.alpha};
  FidelityOptions how;
  how.n_max_token = kReplyToken;
  how.is_refusal = [&](const std::string& reply) { return judge.is_refusal(reply); };
  how.traits = follow_choice(options).traits;
  FidelityRecord record = compare_forms(*exact, *other, options.check, steering, how, progress);
  require_effect(record);
  return record;
}

void require_effect(const FidelityRecord& record) {
  if (record.divergence_unsteered > kLeastEffect &&
      record.divergence >= kNoBetter * record.divergence_unsteered) {
    throw Error(ErrorKind::kInsufficient,
                "[check] the exported form does no better than no mask: KL per token " +
                    format_number(record.divergence, 5) + " nats, of the unsteered model " +
                    format_number(record.divergence_unsteered, 5),
                "nothing was written; fit on more conversations like those of --check (--data), or "
                "bake the mask (--to gguf) if the engine passes over adapters");
  }
}

std::vector<Warning> check_warnings(const FidelityRecord& record, const ExportOptions& options) {
  std::vector<Warning> warnings;
  const std::vector<std::string> fitted = conversation_hashes(options.conversations);
  const auto n_fitted =
      std::count_if(options.check.begin(), options.check.end(), [&](const Conversation& row) {
        return std::binary_search(fitted.begin(), fitted.end(), conversation_hash(row));
      });
  if (n_fitted > 0) {
    warnings.push_back({"checked_on_fitted",
                        std::to_string(n_fitted) + " of the " +
                            std::to_string(options.check.size()) +
                            " conversations of --check are in --data, too: the fit saw them",
                        "check on conversations that the fit does not see"});
  }
  const int64_t n_left = std::ssize(options.check) - record.n_reply;
  if (n_left > 0) {
    warnings.push_back({"conversations_skipped",
                        std::to_string(n_left) + " of the " + std::to_string(options.check.size()) +
                            " conversations of --check were not compared: no user message at the "
                            "end, too long, or no reply",
                        "repair or remove them, unless there are few"});
  }
  if (record.n_unfinished > 0) {
    warnings.push_back(
        {"replies_unfinished",
         std::to_string(record.n_unfinished) + " of " + std::to_string(record.n_reply) +
             " replies of --check ended within the model's reasoning on one side; "
             "whether they refuse was not compared",
         "compare with --reasoning off, or --template-arg reasoning_effort=low where "
         "the template knows it"});
  }
  double worst = 1.0;
  for (const double share : record.same_experts) {
    worst = std::min(worst, share);
  }
  const double changed = ratio_or_zero(record.n_decision_changed, record.n_reply);
  if (worst < kPoorCheck || changed > kManyDecisions) {
    warnings.push_back({"poor_check",
                        "against the exact mask, " + format_percent(worst) +
                            " of the tokens get the same experts in the worst layer, and " +
                            std::to_string(record.n_decision_changed) + " of " +
                            std::to_string(record.n_reply) +
                            " replies are refused on one side only",
                        options.adapter.empty()
                            ? "fit on more conversations like those of --check: --data"
                            : "fit again on conversations like those of --check: -m and --data "
                              "in place of --adapter"});
  }
  return warnings;
}

ExportResult entry_of(const std::string& file,
                      const std::string& form,
                      const RouterUpdate& update) {
  const FidelityRecord& record = update.fidelity;
  ExportResult entry;
  entry.file = file_name(file);
  entry.form = form;
  entry.alpha = update.origin.alpha;
  entry.n_token = record.n_token;
  entry.n_reply = record.n_reply;
  entry.n_reply_changed = record.n_reply_changed;
  entry.n_decision_changed = record.n_decision_changed;
  entry.divergence = record.divergence;
  entry.divergence_unsteered = record.divergence_unsteered;
  entry.blocks = update.blocks;
  entry.same_experts = record.same_experts;
  entry.overlap = record.overlap;
  return entry;
}

void require_results_of(const Results& results, const std::string& path, const Mask& mask) {
  const bool is_other_model = results.fingerprint != mask.fingerprint;
  if (is_other_model || !is_same_matrix(mask.total(), results.mask_steer)) {
    throw Error(ErrorKind::kMismatch,
                "[export] " + path + " belongs to " +
                    (is_other_model ? "the model '" + results.model_name + "', the mask to '" +
                                          mask.model_name + "'"
                                    : "a different mask"),
                "use the results.json that `mascing run` wrote next to the mask");
  }
}

void put_export(Results& results, ExportResult entry) {
  const auto old = std::find_if(results.exports.begin(),
                                results.exports.end(),
                                [&](const ExportResult& e) { return e.file == entry.file; });
  if (old == results.exports.end()) {
    results.exports.push_back(std::move(entry));
  } else {
    *old = std::move(entry);
  }
}

}  // namespace mascing
