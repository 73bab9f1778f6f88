// Reads results.json, replaces one entry, and rewrites both files.
#include "cli/export_results.h"

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "base/files.h"
#include "cli/options.h"
#include "mascing/error.h"
#include "mascing/report.h"
#include "mascing/results.h"

namespace mascing::cli {
namespace {

constexpr double kRounding = 1e-5;  // results.json stores six digits

Results read_results(const std::string& path) {
  return results_from_json(read_text_file(path), path);
}

bool is_same_matrix(const std::vector<float>& a, const std::vector<float>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](float x, float y) {
    return std::fabs(static_cast<double>(x) - y) <= kRounding * std::fabs(static_cast<double>(x));
  });
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

}  // namespace

void require_results_of(const std::string& results, const Mask& mask) {
  const Results found = read_results(results);
  if (found.fingerprint != mask.fingerprint || !is_same_matrix(mask.steer, found.mask_steer)) {
    throw Error(
        ErrorKind::kMismatch,
        "[export] " + results + " belongs to " +
            (found.fingerprint != mask.fingerprint
                 ? "the model '" + found.model_name + "', the mask to '" + mask.model_name + "'"
                 : "a different mask"),
        "use the results.json that `mascing run` wrote next to the mask");
  }
}

void add_to_results(const std::string& results,
                    const std::string& file,
                    const std::string& form,
                    const RouterUpdate& update) {
  Results all = read_results(results);
  ExportResult entry = entry_of(file, form, update);
  const auto old = std::find_if(all.exports.begin(), all.exports.end(), [&](const ExportResult& e) {
    return e.file == entry.file;
  });
  if (old == all.exports.end()) {
    all.exports.push_back(std::move(entry));
  } else {
    *old = std::move(entry);
  }
  const std::string page = (std::filesystem::path(results).parent_path() / "report.html").string();
  const std::string text = to_json(all);
  write_file_atomically(page, render_report(results_from_json(text, results)));
  write_file_atomically(results, text);
  say_written(results + ", " + page, "");
}

}  // namespace mascing::cli
