// Answers a question with the base and the steered model at once, and passes everything on as it
// comes: text, the finished replies, the routing while they were written.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "console/question.h"
#include "format/model_choice.h"
#include "mascing/host.h"
#include "mascing/mask_algebra.h"

namespace mascing::console {

/// Where the lines of an answer go: JSON objects, each with a "type".
struct AnswerSink {
  std::function<bool(const std::string& line)> write;  ///< false = nobody reads any more
  std::function<bool()> is_open;                       ///< whether somebody still reads
};

class Answers {
 public:
  /// `host` must outlive it. Throws Error{kMismatch} unless all masks belong to the model.
  Answers(Host& host, std::vector<WeightedMask> masks, Defaults defaults);

  [[nodiscard]] const Defaults& defaults() const { return defaults_; }
  /// Model, masks with their strengths, limits, as a JSON object.
  [[nodiscard]] std::string facts() const;

  /// Writes
  ///   {"type": "text", "side": "base" | "steered", "part": "reasoning" | "visible", "text",
  ///    "whole": true if it replaces the part}
  ///   {"type": "done", "base": {"reasoning", "visible", "tokens", "hit_limit", "unfinished"},
  ///    "steered": likewise, "first_token_ms", "seconds"}
  ///   {"type": "routing", "base": {"tokens", "rates": [L][E]}, "steered": likewise,
  ///    "by_logits": why experts are counted by their logits alone; empty if they are not}
  ///   {"type": "error", "message", "hint"}: the last line, whatever went wrong.
  /// Throws nothing. Not from two threads at once.
  void answer(const Question& question, const AnswerSink& sink);

 private:
  [[nodiscard]] Steering steering_at(const std::vector<double>& strengths) const;
  void generate(const Question& question, const AnswerSink& sink);

  Host& host_;
  ModelChoice choice_;
  std::vector<WeightedMask> masks_;
  Defaults defaults_;
};

}  // namespace mascing::console
