// Exact gradients of as many requests at once as a batch has room for: the tokens before `begin`
// are decoded as ever, the rest and the openings in one batch that is taped, and one outcome of
// each request after the other goes through the tape in reverse. Sequences do not see each other,
// and the tokens of a mask's own request are the only ones that it moves: so one pass serves all.
#include <algorithm>
#include <string>

#include "host/llama/gradient_batch.h"
#include "host/llama/gradient_outcome.h"
#include "host/llama/gradient_parts.h"
#include "host/llama/schedulers.h"
#include "host/llama/tape/recorder.h"
#include "host/llama/tape/reverse.h"
#include "mascing/error.h"

namespace mascing {
namespace {

/// Without flash attention every token of a batch is multiplied with all its cells, other requests'
/// included; libllama rounds their number up to a multiple of this.
constexpr int64_t kPackedCells = 256;
constexpr const char* kOutput = "result_output";

/// Shows the decodes of its lifetime to a listener.
class ListenerGuard {
 public:
  ListenerGuard(Engine& engine, GraphListener& listener) : engine_(engine) {
    engine_.set_listener(&listener);
  }
  ~ListenerGuard() { engine_.set_listener(nullptr); }
  ListenerGuard(const ListenerGuard&) = delete;
  ListenerGuard& operator=(const ListenerGuard&) = delete;

 private:
  Engine& engine_;
};

std::string join(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) {
    text += (text.empty() ? "" : ", ") + name;
  }
  return text;
}

/// A request in a batch.
struct PackedRequest {
  const GradientRequest* request = nullptr;
  OpeningTree tree;
  OpeningRows rows;            ///< of output logits
  int32_t first_sequence = 0;  ///< in the cache
  size_t i_result = 0;

  [[nodiscard]] int64_t n_taped() const {
    return std::ssize(request->tokens) - request->begin + std::ssize(tree.nodes);
  }
};

/// Requests of one batch may differ in all but this.
bool can_share_batch(const GradientRequest& a, const GradientRequest& b) {
  const auto needs_its_own = [](const GradientRequest& request) {
    return request.steering.mask->sigma_rule == SigmaRule::kBatch;
  };
  return !needs_its_own(a) && !needs_its_own(b) && a.swap.width == b.swap.width &&
         a.swap.n_runner_up == b.swap.n_runner_up;
}

/// The same tokens before those that are differentiated, under the same mask.
bool have_same_prefix(const GradientRequest& a, const GradientRequest& b) {
  return a.begin == b.begin && a.begin <= std::ssize(b.tokens) &&
         a.steering.mask == b.steering.mask && a.steering.alpha == b.steering.alpha &&
         a.steering.control == b.steering.control &&
         std::equal(a.tokens.begin(), a.tokens.begin() + a.begin, b.tokens.begin());
}

class GradientRun {
 public:
  GradientRun(Engine& engine, const std::vector<GradientRequest>& requests)
      : engine_(engine),
        requests_(requests),
        results_(requests.size()),
        batch_(engine.n_batch(), engine.n_sequence()) {
    recorder_.tape().set_threads(engine.n_thread());
  }

  std::vector<Result<SteerGradient>> run() {
    for (size_t i = 0; i < requests_.size(); ++i) {
      results_[i].error = rejection_reason(requests_[i]);
      if (!results_[i].ok()) {
        continue;
      }
      PackedRequest packed{&requests_[i], plan_openings(*requests_[i].openings), {}, 0, i};
      results_[i].error = why_too_large(packed);
      if (results_[i].ok()) {
        add(std::move(packed));
      }
    }
    flush();
    return std::move(results_);
  }

 private:
  [[nodiscard]] std::string rejection_reason(const GradientRequest& request) const {
    const std::vector<std::vector<int32_t>>* openings = request.openings.get();
    if (openings == nullptr || openings->empty()) {
      return "no openings to differentiate";
    }
    if (!request.steering.mask || request.steering.rule != SteerRule::kAdd ||
        request.steering.alpha == 0.0F) {
      return "a gradient needs a mask that is added, at a strength other than 0";
    }
    if (!request.steering.mask->parts.empty()) {
      return "a gradient needs a mask of one sigma rule";
    }
    if (request.begin < 0 || request.begin >= std::ssize(request.tokens)) {
      return "the first differentiated token is outside the prompt";
    }
    if (request.reference &&
        (openings->size() != 1 || request.reference->size() != openings->front().size())) {
      return "a divergence needs one opening and one row of the reference for each of its tokens";
    }
    for (const std::vector<int32_t>& opening : *openings) {
      std::vector<int32_t> tokens = request.tokens;
      tokens.insert(tokens.end(), opening.begin(), opening.end());
      const std::string why =
          why_impossible(tokens, engine_.context_size(), engine_.info().n_vocab);
      if (opening.empty() || !why.empty()) {
        return why.empty() ? "an opening is empty" : why;
      }
    }
    return "";
  }

  [[nodiscard]] std::string why_too_large(const PackedRequest& packed) const {
    if (packed.n_taped() > engine_.n_batch()) {
      return std::to_string(packed.n_taped()) + " tokens to differentiate, one batch has " +
             std::to_string(engine_.n_batch()) + "; let `begin` be the last message's start";
    }
    if (packed.request->begin + packed.n_taped() > engine_.n_cell()) {
      return "prompt and openings exceed the cache";
    }
    return "";
  }

  /// Puts a request into the running batch, after that was worked off if it has no room.
  void add(PackedRequest packed) {
    const int64_t n_cell = packed.request->begin + packed.n_taped();
    const bool fits = !pack_.empty() && engine_.can_share() &&
                      can_share_batch(*pack_.back().request, *packed.request) &&
                      n_taped_ + packed.n_taped() <= engine_.n_batch() &&
                      n_sequence_ + packed.tree.n_sequence <= engine_.n_sequence() &&
                      n_cell_ + n_cell <= std::min(kPackedCells, engine_.n_cell());
    if (!fits) {
      flush();
    }
    packed.first_sequence = n_sequence_;
    n_sequence_ += packed.tree.n_sequence;
    n_taped_ += packed.n_taped();
    n_cell_ += n_cell;
    pack_.push_back(std::move(packed));
  }

  void flush() {
    if (!pack_.empty()) {
      prepare_prefixes();
      decode_taped();
      differentiate();
    }
    pack_.clear();
    n_sequence_ = 0;
    n_taped_ = n_cell_ = 0;
  }

  /// What comes before the differentiated tokens: computed, or as it was for the request before.
  void prepare_prefixes() {
    const GradientRequest& request = *pack_.front().request;
    if (kept_ != nullptr && have_same_prefix(*kept_, request)) {
      engine_.restore_state(state_, request.begin);
      return;
    }
    engine_.forget();
    decode_prefixes();
    const size_t next = pack_.back().i_result + 1;
    const bool is_shared = !engine_.can_share() && request.begin > 0 && next < requests_.size() &&
                           have_same_prefix(request, requests_[next]);
    kept_ = is_shared ? &request : nullptr;
    state_ = is_shared ? engine_.save_state() : std::vector<uint8_t>();
  }

  void decode() {
    engine_.counters.n_prefill_token += batch_.size();
    engine_.decode(batch_, false);
  }

  [[nodiscard]] TapColumn column_of(const PackedRequest& packed) const {
    TapColumn column;
    column.steering = engine_.active(packed.request->steering);
    return column;
  }

  void decode_prefixes() {
    batch_.clear();
    for (const PackedRequest& packed : pack_) {
      const TapColumn column = column_of(packed);
      for (int64_t t = 0; t < packed.request->begin; ++t) {
        if (batch_.room() == 0) {
          decode();
          batch_.clear();
        }
        batch_.add(packed.request->tokens[t],
                   t,
                   {packed.first_sequence, packed.tree.n_sequence},
                   false,
                   column);
      }
    }
    if (batch_.size() > 0) {
      decode();
    }
  }

  void decode_taped() {
    batch_.clear();
    outputs_.clear();
    for (const PackedRequest& packed : pack_) {
      add_tokens(packed);
    }
    recorder_.clear();
    const ListenerGuard guard(engine_, recorder_);
    decode();
    int64_t i_output = 0;
    for (PackedRequest& packed : pack_) {
      packed.rows.n_vocab = engine_.info().n_vocab;
      packed.rows.reads = packed.tree.reads;
      for (std::vector<int64_t>& reads : packed.rows.reads) {
        std::for_each(reads.begin(), reads.end(), [](int64_t& node) { ++node; });
      }
      for (int64_t i = 0; i < std::ssize(packed.tree.nodes) + 1; ++i) {
        packed.rows.logits.push_back(engine_.logits(outputs_[i_output++]));
      }
    }
  }

  /// The tokens from `begin` on, then those of the openings.
  void add_tokens(const PackedRequest& packed) {
    const TapColumn column = column_of(packed);
    const int64_t n_prompt = std::ssize(packed.request->tokens);
    const int32_t first = packed.first_sequence;
    int32_t last = -1;
    for (int64_t t = packed.request->begin; t < n_prompt; ++t) {
      last = batch_.add(
          packed.request->tokens[t], t, {first, packed.tree.n_sequence}, t + 1 == n_prompt, column);
    }
    outputs_.push_back(last);
    for (const OpeningNode& node : packed.tree.nodes) {
      outputs_.push_back(batch_.add(node.token,
                                    n_prompt + node.depth,
                                    {first + node.first_sequence, node.n_sequence},
                                    true,
                                    column));
    }
  }

  void reject(const std::string& error) {
    for (const PackedRequest& packed : pack_) {
      results_[packed.i_result].error = error;
    }
  }

  void differentiate() {
    const Tape& tape = recorder_.tape();
    const int64_t output = tape.find(kOutput);
    const int64_t n_row = output == TapeTensor::kNone ? 0 : tape.at(output).shape.ne[1];
    if (n_row != std::ssize(outputs_) && n_row != batch_.size()) {
      reject(std::string("the graph has no ") + kOutput + " with a row for each opening");
      return;
    }
    const std::vector<std::string> missing = operations_without_rule(tape, output);
    if (!missing.empty()) {
      reject("no rule to differentiate " + join(missing));
      return;
    }
    size_t n_outcome = 0;
    for (const PackedRequest& packed : pack_) {
      SteerGradient& gradient = results_[packed.i_result].value;
      gradient.scores = score_openings(*packed.request, packed.rows);
      gradient.size_bytes = tape.size_bytes();
      n_outcome = std::max(n_outcome, packed.request->outcomes.size());
    }
    ReversePass reverse(recorder_, taped_columns());
    reverse.set_check([this] { engine_.require_not_stopped(); });
    for (size_t i = 0; i < n_outcome; ++i) {
      const std::vector<float> d_rows = differentiate_outcomes(i);
      const auto d_steer = reverse.run(output, place(d_rows, n_row).data());
      for (size_t k = 0; k < pack_.size(); ++k) {
        SteerGradient& gradient = results_[pack_[k].i_result].value;
        gradient.n_layer_without_swap = reverse.n_layer_without_swap();
        if (i < pack_[k].request->outcomes.size()) {
          gradient.d_steer.push_back(d_steer[k]);
        }
      }
    }
  }

  [[nodiscard]] TapedColumns taped_columns() const {
    TapedColumns columns;
    columns.swap = pack_.front().request->swap;
    for (const PackedRequest& packed : pack_) {
      columns.parts.push_back(
          {&packed.request->steering, packed.n_taped(), std::ssize(packed.rows.logits)});
    }
    return columns;
  }

  /// Values of all requests' outcomes of one number, and their gradient by the rows of output
  /// logits.
  std::vector<float> differentiate_outcomes(size_t i_outcome) {
    std::vector<float> d_all;
    for (const PackedRequest& packed : pack_) {
      SteerGradient& gradient = results_[packed.i_result].value;
      OpeningScores d_scores;
      d_scores.log_prob.assign(gradient.scores.log_prob.size(), 0.0);
      if (i_outcome < packed.request->outcomes.size()) {
        const Outcome& outcome = packed.request->outcomes[i_outcome];
        gradient.values.push_back(outcome(gradient.scores, d_scores));
      }
      const std::vector<float> d_rows =
          differentiate_openings(*packed.request, packed.rows, d_scores);
      d_all.insert(d_all.end(), d_rows.begin(), d_rows.end());
    }
    return d_all;
  }

  /// Rows of the graph's output: of all tokens in models that are not causal.
  [[nodiscard]] std::vector<float> place(const std::vector<float>& d_rows, int64_t n_row) const {
    const int64_t n_vocab = engine_.info().n_vocab;
    std::vector<float> placed(n_row * n_vocab, 0.0F);
    for (int64_t i = 0; i < std::ssize(outputs_); ++i) {
      const int64_t row = n_row == std::ssize(outputs_) ? i : outputs_[i];
      std::copy(d_rows.begin() + i * n_vocab,
                d_rows.begin() + (i + 1) * n_vocab,
                placed.begin() + row * n_vocab);
    }
    return placed;
  }

  Engine& engine_;
  const std::vector<GradientRequest>& requests_;
  std::vector<Result<SteerGradient>> results_;
  std::vector<PackedRequest> pack_;  ///< the running batch
  int32_t n_sequence_ = 0;
  int64_t n_taped_ = 0;
  int64_t n_cell_ = 0;
  TokenBatch batch_;
  std::vector<int32_t> outputs_;  ///< tokens of the batch whose logits are wanted
  const GradientRequest* kept_ =
      nullptr;  ///< whose prefix is in the cache, with the state behind it
  std::vector<uint8_t> state_;
  TapeRecorder recorder_;
};

}  // namespace

std::vector<Result<SteerGradient>> run_gradients(Engine& engine,
                                                 const std::vector<GradientRequest>& requests) {
  const GradientParts parts(engine, requests);
  return parts.joined(GradientRun(engine, parts.requests()).run());
}

}  // namespace mascing
