// Teacher-forced log-probabilities, and the divergence of a steered from an unsteered run: both
// sequences stand in the same batches, piece by piece at the same positions, so that their logits
// can be compared row by row. Where the cache has no room for both, one follows the other.
#include <algorithm>

#include "host/llama/logits.h"
#include "host/llama/packer.h"
#include "host/llama/schedulers.h"

namespace mascing {
namespace {

constexpr int64_t kStretch = 256;  // scored tokens whose unsteered logits are kept

/// A scored position of the running batch, -1 where a side has no token in it.
struct Position {
  size_t i_request = 0;
  int64_t t = 0;  ///< predicts tokens[t + 1]
  int32_t i_steered = -1;
  int32_t i_plain = -1;
};

class ScoreRun {
 public:
  ScoreRun(Engine& engine, const std::vector<ScoreRequest>& requests)
      : engine_(engine),
        requests_(requests),
        results_(requests.size()),
        packer_(engine,
                std::max(engine.n_parallel(), std::min<int64_t>(2, engine.n_sequence())),
                false,
                [this] { read_logits(); }) {}

  std::vector<Result<Score>> run() {
    for (size_t i = 0; i < requests_.size(); ++i) {
      results_[i].error = rejection_reason(requests_[i]);
      if (results_[i].ok()) {
        add(i);
      }
    }
    packer_.flush();
    return std::move(results_);
  }

 private:
  [[nodiscard]] std::string rejection_reason(const ScoreRequest& request) const {
    if (request.begin < 1 || request.begin >= std::ssize(request.tokens)) {
      return "nothing to score, the first scored token is outside the text";
    }
    const int64_t n_scored = std::ssize(request.tokens) - request.begin;
    if (request.reference && std::ssize(*request.reference) != n_scored) {
      return "the reference has " + std::to_string(request.reference->size()) + " rows for " +
             std::to_string(n_scored) + " scored tokens";
    }
    return why_impossible(request.tokens, engine_.context_size(), engine_.info().n_vocab);
  }

  [[nodiscard]] int64_t n_twin(const ScoreRequest& request) const {
    return request.with_divergence && engine_.active(request.steering) != nullptr ? 2 : 1;
  }

  void add(size_t i) {
    const ScoreRequest& request = requests_[i];
    const int64_t n_sequence = n_twin(request);
    const int64_t n_token = std::ssize(request.tokens) - 1;
    if (n_sequence > engine_.n_sequence() || n_sequence * n_token > engine_.n_cell()) {
      add_in_turn(i);
      return;
    }
    const int32_t first = packer_.begin(n_sequence, n_sequence * n_token);
    for (int64_t t = 0; t < n_token;) {
      const int64_t n_now = std::min(packer_.room() / n_sequence, n_token - t);
      if (n_now == 0) {
        packer_.decode();
        continue;
      }
      add_piece(i, t, n_now, first);
      t += n_now;
    }
  }

  /// Tokens t .. t + n of the steered sequence and, where wanted, of its unsteered twin.
  void add_piece(size_t i, int64_t t, int64_t n, int32_t i_sequence) {
    const ScoreRequest& request = requests_[i];
    const bool twin = n_twin(request) == 2;
    TapColumn column;
    column.steering = engine_.active(request.steering);
    size_t i_first = positions_.size();
    for (int64_t k = t; k < t + n; ++k) {
      const bool scored = k + 1 >= request.begin;
      const int32_t steered = packer_.add(request.tokens[k], k, {i_sequence, 1}, scored, column);
      if (scored) {
        positions_.push_back({i, k, steered, -1});
      }
    }
    for (int64_t k = t; twin && k < t + n; ++k) {
      const bool scored = k + 1 >= request.begin;
      const int32_t plain =
          packer_.add(request.tokens[k], k, {i_sequence + 1, 1}, scored, TapColumn{});
      if (scored) {
        positions_[i_first++].i_plain = plain;
      }
    }
  }

  /// One side after the other, where the cache does not take both.
  void add_in_turn(size_t i) {
    const ScoreRequest& request = requests_[i];
    const int64_t n_token = std::ssize(request.tokens) - 1;
    packer_.flush();
    for (int64_t t = request.begin - 1; t < n_token; t += kStretch) {
      const TokenSpan scored{t, std::min(t + kStretch, n_token)};
      i_first_kept_ = t;
      add_side(i, scored, false);
      add_side(i, scored, true);
      plain_rows_.clear();
    }
  }

  /// All tokens up to the end of the scored ones.
  void add_side(size_t i, TokenSpan scored, bool is_steered) {
    const ScoreRequest& request = requests_[i];
    TapColumn column;
    column.steering = is_steered ? engine_.active(request.steering) : nullptr;
    const int32_t sequence = packer_.begin(1, scored.end);
    for (int64_t t = 0; t < scored.end; ++t) {
      const bool is_scored = t >= scored.begin;
      const int32_t index = packer_.add(request.tokens[t], t, {sequence, 1}, is_scored, column);
      if (is_scored) {
        positions_.push_back({i, t, is_steered ? index : -1, is_steered ? -1 : index});
      }
    }
    packer_.flush();
  }

  void read_logits() {
    const int64_t n_vocab = engine_.info().n_vocab;
    for (const Position& position : positions_) {
      if (position.i_steered < 0) {
        const float* row = engine_.logits(position.i_plain);
        plain_rows_.emplace_back(row, row + n_vocab);
        continue;
      }
      Score& score = results_[position.i_request].value;
      const float* row = engine_.logits(position.i_steered);
      const int32_t next = requests_[position.i_request].tokens[position.t + 1];
      score.log_prob += row[next] - log_sum_exp(row, n_vocab);
      ++score.n_token;
      if (position.i_plain >= 0) {
        score.divergence += divergence(engine_.logits(position.i_plain), row, n_vocab);
      } else if (!plain_rows_.empty()) {
        const std::vector<float>& plain = plain_rows_.at(position.t - i_first_kept_);
        score.divergence += divergence(plain.data(), row, n_vocab);
      }
      compare_tops(position, row, score);
    }
    positions_.clear();
  }

  void compare_tops(const Position& position, const float* row, Score& score) const {
    const ScoreRequest& request = requests_[position.i_request];
    const int64_t n_vocab = engine_.info().n_vocab;
    if (request.reference) {
      const int64_t i_row = position.t + 1 - request.begin;
      score.divergence += divergence((*request.reference)[i_row], row, n_vocab);
    }
    if (request.n_top > 0) {
      score.top.push_back(top_row(row, n_vocab, std::min(request.n_top, n_vocab)));
    }
  }

  Engine& engine_;
  const std::vector<ScoreRequest>& requests_;
  std::vector<Result<Score>> results_;
  Packer packer_;
  std::vector<Position> positions_;
  std::vector<std::vector<float>> plain_rows_;  ///< of a request whose sides are read in turn
  int64_t i_first_kept_ = 0;                    ///< position of the first of them
};

}  // namespace

std::vector<Result<Score>> run_scores(Engine& engine, const std::vector<ScoreRequest>& requests) {
  return ScoreRun(engine, requests).run();
}

}  // namespace mascing
