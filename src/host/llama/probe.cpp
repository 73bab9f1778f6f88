// Likelihoods of several openings of a reply: the tokens of a prompt belong to one sequence per
// opening, so that they are computed once; an opening of one token needs nothing but the last row.
#include <algorithm>

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
        packer_(engine, false, [this] { read_logits(); }) {}

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

  /// Long openings share the prompt as far as there are sequences; one-token ones need none.
  void add(size_t i) {
    std::vector<size_t> long_ones;
    std::vector<size_t> short_ones;
    for (size_t k = 0; k < requests_[i].openings->size(); ++k) {
      ((*requests_[i].openings)[k].size() > 1 ? long_ones : short_ones).push_back(k);
    }
    auto first = long_ones.begin();
    do {
      const auto end = first + std::min<int64_t>(engine_.n_parallel(), long_ones.end() - first);
      add_group(i, {first, end}, short_ones);
      short_ones.clear();
      first = end;
    } while (first != long_ones.end());
  }

  void add_group(size_t i,
                 const std::vector<size_t>& long_ones,
                 const std::vector<size_t>& short_ones) {
    const ProbeRequest& request = requests_[i];
    const int64_t n_prompt = std::ssize(request.tokens);
    int64_t n_token = n_prompt;
    for (const size_t k : long_ones) {
      n_token += std::ssize((*request.openings)[k]) - 1;
    }
    const int32_t n_sequence = to_int32(std::max<int64_t>(1, std::ssize(long_ones)));
    const int32_t first = packer_.begin(n_sequence, n_token);
    TapColumn column;
    column.steering = engine_.active(request.steering);
    int32_t last = -1;
    for (int64_t t = 0; t < n_prompt; ++t) {
      last = packer_.add(request.tokens[t], t, {first, n_sequence}, t == n_prompt - 1, column);
    }
    for (const auto& group : {long_ones, short_ones}) {
      for (const size_t k : group) {
        readings_.push_back({i, k, 0, last});
      }
    }
    int32_t i_sequence = first;
    for (const size_t k : long_ones) {
      add_opening(i, k, i_sequence++, column);
    }
  }

  void add_opening(size_t i, size_t i_opening, int32_t i_sequence, const TapColumn& column) {
    int64_t position = std::ssize(requests_[i].tokens);
    const std::vector<int32_t>& opening = (*requests_[i].openings)[i_opening];
    for (size_t t = 0; t + 1 < opening.size(); ++t) {
      const int32_t index = packer_.add(opening[t], position++, {i_sequence, 1}, true, column);
      readings_.push_back({i, i_opening, t + 1, index});
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
