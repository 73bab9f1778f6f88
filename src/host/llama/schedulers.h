// Schedulers that share the model's batches between many requests. Each starts with an empty cache,
// so its result depends only on its arguments and the thread count.
#pragma once

#include <vector>

#include "host/llama/engine.h"

namespace mascing {

/// Prefills packed back to back, common heads computed once; the graph is given up after the last
/// router. What comes out does not depend on the order of requests of one steering.
[[nodiscard]] std::vector<Result<RouterTrace>> run_traces(
    Engine& engine, const std::vector<TraceRequest>& requests);
/// Indices of the requests such that those that begin alike are neighbours.
[[nodiscard]] std::vector<int64_t> order_of_traces(const std::vector<TraceRequest>& requests);

/// Prefills one after the other, in pieces, each token of a span shown to the observer; the graph
/// is given up after the last router. One text per request: why it was not processed.
[[nodiscard]] std::vector<std::string> run_observations(Engine& engine,
                                                        const std::vector<TraceRequest>& requests,
                                                        const RouterObserver& observer);
/// The same of the output logits; nothing is given up.
[[nodiscard]] std::vector<std::string> run_output_observations(
    Engine& engine, const std::vector<TraceRequest>& requests, const OutputObserver& observer);

/// Continuous batching: a finished reply makes room for the next prompt at once. `listener`: whom
/// to pass every token on to, may be null.
[[nodiscard]] std::vector<Result<Reply>> run_generation(
    Engine& engine,
    const std::vector<GenerateRequest>& requests,
    const Sampling& sampling,
    const TokenListener* listener = nullptr);

/// The same, each request going on as long as `next` has a prompt for it; what its cache holds of
/// that prompt is kept.
void run_conversations(Engine& engine,
                       const std::vector<GenerateRequest>& requests,
                       const ConverseOptions& options,
                       const NextPrompts& next,
                       const TokenListener* listener = nullptr);

/// Teacher-forced; a request with divergence runs as two sequences in lock-step, unsteered and
/// steered.
[[nodiscard]] std::vector<Result<Score>> run_scores(Engine& engine,
                                                    const std::vector<ScoreRequest>& requests);

/// One prefill per prompt with its openings behind it as branches.
[[nodiscard]] std::vector<Result<Probe>> run_probes(Engine& engine,
                                                    const std::vector<ProbeRequest>& requests);

/// One prompt at a time, forward and in reverse, on an engine made to differentiate.
[[nodiscard]] std::vector<Result<SteerGradient>> run_gradients(
    Engine& engine, const std::vector<GradientRequest>& requests);

/// Prefills packed back to back; only the last token of each is looked at.
[[nodiscard]] std::vector<Result<Residual>> run_residuals(
    Engine& engine, const std::vector<ResidualRequest>& requests);

}  // namespace mascing
