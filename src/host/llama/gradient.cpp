// Exact gradients, one request after the other: the tokens before `begin` are decoded as ever, the
// rest and the openings in one batch that is taped, and each outcome goes through the tape in
// reverse.
#include <algorithm>
#include <string>

#include "host/llama/gradient_batch.h"
#include "host/llama/gradient_outcome.h"
#include "host/llama/schedulers.h"
#include "host/llama/tape/recorder.h"
#include "host/llama/tape/reverse.h"
#include "mascing/error.h"

namespace mascing {
namespace {

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

class GradientRun {
 public:
  explicit GradientRun(Engine& engine)
      : engine_(engine), batch_(engine.n_batch(), engine.n_parallel()) {}

  Result<SteerGradient> run(const GradientRequest& request) {
    Result<SteerGradient> result;
    result.error = rejection_reason(request);
    if (!result.ok()) {
      return result;
    }
    const OpeningTree tree = plan_openings(*request.openings);
    result.error = why_too_large(request, tree);
    if (result.ok()) {
      column_.steering = engine_.active(request.steering);
      engine_.forget();
      decode_prefix(request, tree);
      const OpeningRows rows = decode_taped(request, tree);
      differentiate(request, rows, result);
    }
    return result;
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

  [[nodiscard]] std::string why_too_large(const GradientRequest& request,
                                          const OpeningTree& tree) const {
    const int64_t n_token = std::ssize(request.tokens) - request.begin + std::ssize(tree.nodes);
    if (n_token > engine_.n_batch()) {
      return std::to_string(n_token) + " tokens to differentiate, one batch has " +
             std::to_string(engine_.n_batch()) + "; let `begin` be the last message's start";
    }
    if (tree.n_sequence > engine_.n_parallel()) {
      return std::to_string(tree.n_sequence) + " openings of several tokens, but only " +
             std::to_string(engine_.n_parallel()) + " sequences at once";
    }
    if (request.begin + n_token > engine_.n_cell()) {
      return "prompt and openings exceed the cache";
    }
    return "";
  }

  void decode(int64_t n_prefill) {
    engine_.counters.n_prefill_token += n_prefill;
    engine_.decode(batch_, false);
  }

  void decode_prefix(const GradientRequest& request, const OpeningTree& tree) {
    batch_.clear();
    for (int64_t t = 0; t < request.begin; ++t) {
      batch_.add(request.tokens[t], t, {0, tree.n_sequence}, false, column_);
      if (batch_.room() == 0 || t + 1 == request.begin) {
        decode(batch_.size());
        batch_.clear();
      }
    }
  }

  OpeningRows decode_taped(const GradientRequest& request, const OpeningTree& tree) {
    const int64_t n_prompt = std::ssize(request.tokens);
    outputs_.clear();
    batch_.clear();
    for (int64_t t = request.begin; t < n_prompt; ++t) {
      const bool is_last = t + 1 == n_prompt;
      const int32_t i = batch_.add(request.tokens[t], t, {0, tree.n_sequence}, is_last, column_);
      if (is_last) {
        outputs_.push_back(i);
      }
    }
    for (const OpeningNode& node : tree.nodes) {
      outputs_.push_back(batch_.add(node.token,
                                    n_prompt + node.depth,
                                    {node.first_sequence, node.n_sequence},
                                    true,
                                    column_));
    }
    recorder_.clear();
    const ListenerGuard guard(engine_, recorder_);
    decode(batch_.size());
    OpeningRows rows;
    rows.n_vocab = engine_.info().n_vocab;
    rows.reads = tree.reads;
    for (std::vector<int64_t>& reads : rows.reads) {
      std::for_each(reads.begin(), reads.end(), [](int64_t& node) { ++node; });
    }
    for (const int32_t i : outputs_) {
      rows.logits.push_back(engine_.logits(i));
    }
    return rows;
  }

  void differentiate(const GradientRequest& request,
                     const OpeningRows& rows,
                     Result<SteerGradient>& result) {
    const Tape& tape = recorder_.tape();
    const int64_t output = tape.find(kOutput);
    const int64_t n_row = output == TapeTensor::kNone ? 0 : tape.at(output).shape.ne[1];
    if (n_row != std::ssize(outputs_) && n_row != batch_.size()) {
      result.error = std::string("the graph has no ") + kOutput + " with a row for each opening";
      return;
    }
    const std::vector<std::string> missing = operations_without_rule(tape, output);
    if (!missing.empty()) {
      result.error = "no rule to differentiate " + join(missing);
      return;
    }
    SteerGradient& gradient = result.value;
    gradient.scores = score_openings(request, rows);
    gradient.size_bytes = tape.size_bytes();
    ReversePass reverse(recorder_, request.steering, request.swap);
    const ModelInfo& info = engine_.info();
    for (const Outcome& outcome : request.outcomes) {
      OpeningScores d_scores;
      d_scores.log_prob.assign(gradient.scores.log_prob.size(), 0.0);
      gradient.values.push_back(outcome(gradient.scores, d_scores));
      std::vector<float>& d_steer =
          gradient.d_steer.emplace_back(info.n_layer * info.n_expert, 0.0F);
      const std::vector<float> d_rows = differentiate_openings(request, rows, d_scores);
      reverse.run(output, place(d_rows, rows.n_vocab, n_row).data(), d_steer);
      gradient.n_layer_without_swap = reverse.n_layer_without_swap();
    }
  }

  /// Rows of the graph's output: of all tokens in models that are not causal.
  [[nodiscard]] std::vector<float> place(const std::vector<float>& d_rows,
                                         int64_t n_vocab,
                                         int64_t n_row) const {
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
  TokenBatch batch_;
  std::vector<int32_t> outputs_;  ///< tokens of the batch whose logits are wanted
  TapColumn column_;
  TapeRecorder recorder_;
};

}  // namespace

std::vector<Result<SteerGradient>> run_gradients(Engine& engine,
                                                 const std::vector<GradientRequest>& requests) {
  GradientRun run(engine);
  std::vector<Result<SteerGradient>> results;
  for (const GradientRequest& request : requests) {
    results.push_back(run.run(request));
  }
  return results;
}

}  // namespace mascing
