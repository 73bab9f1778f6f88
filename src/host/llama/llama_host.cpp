// The Host that runs GGUF files through libllama: a thin shell over Engine and the three
// schedulers.
#include "mascing/llama_host.h"

#include <common.h>

#include "host/llama/engine.h"
#include "host/llama/schedulers.h"

namespace mascing {
namespace {

class LlamaHost : public Host {
 public:
  explicit LlamaHost(const LlamaHostOptions& options) : engine_(options) {}

  [[nodiscard]] const ModelInfo& describe() const override { return engine_.info(); }
  [[nodiscard]] Prompt render(const Conversation& conversation) const override {
    return engine_.chat().render(conversation);
  }
  [[nodiscard]] std::vector<int32_t> tokenize(const std::string& text,
                                              bool begin_of_text) const override {
    return common_tokenize(engine_.vocab(), text, begin_of_text, false);
  }
  [[nodiscard]] int64_t context_size() const override { return engine_.context_size(); }

  std::vector<Outcome<RouterTrace>> trace(const std::vector<TraceRequest>& requests) override {
    return run_traces(engine_, requests);
  }
  std::vector<Outcome<Reply>> generate(const std::vector<GenerateRequest>& requests,
                                       const Sampling& sampling) override {
    return run_generation(engine_, requests, sampling);
  }
  std::vector<Outcome<Score>> score(const std::vector<ScoreRequest>& requests) override {
    return run_scores(engine_, requests);
  }
  [[nodiscard]] HostCounters counters() const override { return engine_.counters; }

 private:
  Engine engine_;
};

}  // namespace

std::unique_ptr<Host> open_llama_host(const LlamaHostOptions& options) {
  return std::make_unique<LlamaHost>(options);
}

}  // namespace mascing
