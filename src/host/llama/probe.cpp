// Likelihoods of several openings of a reply. They stand behind the prompt as a tree: what several
// of them begin with, the prompt included, is computed once, as a member of all their sequences;
// where sequences cannot share, one opening follows the other. An opening of one token needs
// nothing but the last row.
#include <algorithm>
#include <numeric>

#include "host/llama/gradient_batch.h"
#include "host/llama/logits.h"
#include "host/llama/packer.h"
#include "host/llama/schedulers.h"

namespace mascing {
namespace {

/// An opening whose token `i_token` the row at `i_output` of the running batch predicts.
struct Reading {
  size_t i_request = 0;
  size_t i_opening = 0;
  size_t i_token = 0;
  int32_t i_output = -1;
};

class ProbeRun {
 public:
  ProbeRun(Engine& engine, const std::vector<ProbeRequest>& requests)
      : engine_(engine),
        requests_(requests),
        results_(requests.size()),
        packer_(engine, engine.n_sequence(), false, [this] { read_logits(); }) {}

  std::vector<Result<Probe>> run() {
    for (size_t i = 0; i < requests_.size(); ++i) {
      results_[i].error = rejection_reason(requests_[i]);
      if (results_[i].ok()) {
        results_[i].value.log_prob.assign(requests_[i].openings->size(), 0.0);
        add(i);
      }
    }
    packer_.flush();
    return std::move(results_);
  }

 private:
  [[nodiscard]] std::string rejection_reason(const ProbeRequest& request) const {
    if (!request.openings || request.openings->empty()) {
      return "no openings to probe";
    }
    for (const auto& opening : *request.openings) {
      std::vector<int32_t> tokens = request.tokens;
      tokens.insert(tokens.end(), opening.begin(), opening.end());
      const std::string why =
          why_impossible(tokens, engine_.context_size(), engine_.info().n_vocab);
      if (opening.empty() || request.tokens.empty() || !why.empty()) {
        return why.empty() ? "an opening or the prompt is empty" : why;
      }
    }
    return "";
  }

  /// Openings share the prompt, and what they begin with, as far as there are sequences; those of
  /// one token need none.
  void add(size_t i) {
    std::vector<size_t> all(requests_[i].openings->size());
    std::iota(all.begin(), all.end(), 0);
    add_some(i, all);
  }

  [[nodiscard]] bool fits(size_t i, const OpeningTree& tree) const {
    return tree.n_sequence <= engine_.n_sequence() &&
           std::ssize(requests_[i].tokens) + std::ssize(tree.nodes) <= engine_.n_cell();
  }

  /// Together if they fit; else in groups as large as sequences allow, and halves of these as far
  /// as cells do.
  void add_some(size_t i, const std::vector<size_t>& some) {
    const std::vector<std::vector<int32_t>> members = members_of(*requests_[i].openings, some);
    const OpeningTree tree = plan_openings(members);
    if (fits(i, tree)) {
      add_group(i, some, tree);
      return;
    }
    if (!engine_.can_share()) {
      add_in_turn(i);
      return;
    }
    std::vector<std::vector<size_t>> groups = group_openings(members, engine_.n_sequence());
    if (groups.size() == 1) {
      const auto middle = groups[0].begin() + std::ssize(groups[0]) / 2;
      groups = {{groups[0].begin(), middle}, {middle, groups[0].end()}};
    }
    for (std::vector<size_t>& group : groups) {
      std::transform(group.begin(), group.end(), group.begin(), [&](size_t m) { return some[m]; });
      add_some(i, group);
    }
  }

  /// One opening after the other behind the prompt, whose recurrent state is put back each time.
  void add_in_turn(size_t i) {
    const ProbeRequest& request = requests_[i];
    const int64_t n_prompt = std::ssize(request.tokens);
    TapColumn column;
    column.steering = engine_.active(request.steering);
    packer_.flush();
    (void)packer_.begin(1, n_prompt);
    for (int64_t t = 0; t < n_prompt; ++t) {
      const bool is_last = t == n_prompt - 1;
      const int32_t index = packer_.add(request.tokens[t], t, {0, 1}, is_last, column);
      for (size_t k = 0; is_last && k < request.openings->size(); ++k) {
        readings_.push_back({i, k, 0, index});
      }
    }
    packer_.decode();
    const std::vector<uint8_t> state = engine_.save_state();
    for (size_t k = 0; k < request.openings->size(); ++k) {
      const std::vector<int32_t>& opening = (*request.openings)[k];
      for (size_t t = 0; t + 1 < opening.size(); ++t) {
        const auto place = n_prompt + static_cast<int64_t>(t);
        const int32_t index = packer_.add(opening[t], place, {0, 1}, true, column);
        readings_.push_back({i, k, t + 1, index});
      }
      if (opening.size() > 1) {
        packer_.decode();
        engine_.restore_state(state, n_prompt);
      }
    }
    packer_.flush();
  }

  /// The prompt with a tree behind it; `group` are the openings it was made of.
  void add_group(size_t i, const std::vector<size_t>& group, const OpeningTree& tree) {
    const ProbeRequest& request = requests_[i];
    const int64_t n_prompt = std::ssize(request.tokens);
    const int32_t first = packer_.begin(tree.n_sequence, n_prompt + std::ssize(tree.nodes));
    TapColumn column;
    column.steering = engine_.active(request.steering);
    for (int64_t t = 0; t < n_prompt; ++t) {
      const bool is_last = t == n_prompt - 1;
      const int32_t index =
          packer_.add(request.tokens[t], t, {first, tree.n_sequence}, is_last, column);
      if (is_last) {
        add_readings(i, group, tree, OpeningTree::kPrompt, index);
      }
    }
    for (int64_t node = 0; node < std::ssize(tree.nodes); ++node) {
      const OpeningNode& at = tree.nodes[node];
      const int32_t index = packer_.add(
          at.token, n_prompt + at.depth, {first + at.first_sequence, at.n_sequence}, true, column);
      add_readings(i, group, tree, node, index);
    }
  }

  /// What the row of a node predicts. It is read before the next decode: readings and tokens go
  /// into the batch together.
  void add_readings(size_t i,
                    const std::vector<size_t>& group,
                    const OpeningTree& tree,
                    int64_t node,
                    int32_t i_output) {
    for (size_t m = 0; m < group.size(); ++m) {
      const std::vector<int64_t>& reads = tree.reads[m];
      const auto at = std::find(reads.begin(), reads.end(), node);
      if (at != reads.end()) {
        const size_t i_token = at - reads.begin();
        readings_.push_back({i, group[m], i_token, i_output});
      }
    }
  }

  void read_logits() {
    const int64_t n_vocab = engine_.info().n_vocab;
    int32_t i_output = -1;
    double norm = 0.0;
    const float* row = nullptr;
    for (const Reading& reading : readings_) {
      if (row == nullptr || reading.i_output != i_output) {
        i_output = reading.i_output;
        row = engine_.logits(i_output);
        norm = log_sum_exp(row, n_vocab);
      }
      const int32_t token =
          (*requests_[reading.i_request].openings)[reading.i_opening][reading.i_token];
      results_[reading.i_request].value.log_prob[reading.i_opening] += row[token] - norm;
    }
    readings_.clear();
  }

  Engine& engine_;
  const std::vector<ProbeRequest>& requests_;
  std::vector<Result<Probe>> results_;
  Packer packer_;
  std::vector<Reading> readings_;
};

}  // namespace

std::vector<Result<Probe>> run_probes(Engine& engine, const std::vector<ProbeRequest>& requests) {
  return ProbeRun(engine, requests).run();
}

}  // namespace mascing
