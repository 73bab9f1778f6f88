// Reads the residual stream at the end of prompts, which are packed into batches like traces.
#include "host/llama/packer.h"
#include "host/llama/schedulers.h"

namespace mascing {
namespace {

class ResidualRun {
 public:
  ResidualRun(Engine& engine, const std::vector<ResidualRequest>& requests)
      : engine_(engine),
        requests_(requests),
        results_(requests.size()),
        packer_(engine, engine.n_parallel(), false, [] {}) {}

  std::vector<Result<Residual>> run() {
    for (size_t i = 0; i < requests_.size(); ++i) {
      results_[i].error =
          why_impossible(requests_[i].tokens, engine_.context_size(), engine_.info().n_vocab);
      if (results_[i].ok()) {
        add(i);
      }
    }
    packer_.flush();
    return std::move(results_);
  }

 private:
  void add(size_t i) {
    const ResidualRequest& request = requests_[i];
    Residual& residual = results_[i].value;
    residual.n_block = engine_.info().n_block;
    residual.n_embd = engine_.info().n_embd;
    residual.values.resize(residual.n_block * residual.n_embd);
    const int64_t n_token = std::ssize(request.tokens);
    const int32_t i_sequence = packer_.begin(1, n_token);
    TapColumn column;
    column.steering = engine_.active(request.steering);
    for (int64_t t = 0; t < n_token; ++t) {
      const bool is_last = t == n_token - 1;
      column.residual = is_last ? residual.values.data() : nullptr;
      packer_.add(request.tokens[t], t, {i_sequence, 1}, is_last, column);
    }
  }

  Engine& engine_;
  const std::vector<ResidualRequest>& requests_;
  std::vector<Result<Residual>> results_;
  Packer packer_;
};

}  // namespace

std::vector<Result<Residual>> run_residuals(Engine& engine,
                                            const std::vector<ResidualRequest>& requests) {
  return ResidualRun(engine, requests).run();
}

}  // namespace mascing
