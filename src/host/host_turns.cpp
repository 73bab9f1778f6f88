// A host in front of a host: passes every question on, after the one before has left the memory.
#include "mascing/host_turns.h"

#include <utility>

namespace mascing {

struct HostTurns::Circle {
  class Slot;

  Slot* loaded = nullptr;  ///< whose turn it is; null = nobody's
  int64_t n_load = 0;
};

namespace {

HostCounters sum(const HostCounters& a, const HostCounters& b) {
  return {a.n_prefill_token + b.n_prefill_token,
          a.n_generated_token + b.n_generated_token,
          a.seconds + b.seconds};
}

}  // namespace

/// A place for an engine that is loaded when it is asked and leaves when another's turn comes.
class HostTurns::Circle::Slot {
 public:
  Slot(std::shared_ptr<HostTurns::Circle> circle, std::function<std::unique_ptr<Host>()> open)
      : circle_(std::move(circle)), open_(std::move(open)) {
    load();
    watch_ = host_->set_watch({});  // the one that it was opened with
    hand_on_watch();
  }
  Slot(const Slot&) = delete;
  Slot& operator=(const Slot&) = delete;
  ~Slot() {
    if (host_ != nullptr) {
      circle_->loaded = nullptr;
    }
  }

  [[nodiscard]] Host& loaded() {
    if (host_ == nullptr) {
      load();
      hand_on_watch();
    }
    return *host_;
  }

  [[nodiscard]] HostCounters counters() const {
    return host_ == nullptr ? done_ : sum(done_, host_->counters());
  }

  HostWatch set_watch(HostWatch watch) {
    std::swap(watch, watch_);
    if (host_ != nullptr) {
      hand_on_watch();
    }
    return watch;
  }

 private:
  void load() {
    if (circle_->loaded != nullptr) {
      circle_->loaded->close();
    }
    host_ = open_();
    circle_->loaded = this;
    ++circle_->n_load;
  }

  void close() {
    done_ = counters();
    host_.reset();
    circle_->loaded = nullptr;
  }

  /// A watch is told what was done in all turns.
  void hand_on_watch() {
    HostWatch told;
    if (watch_) {
      told = [this](const HostCounters& so_far) { return watch_(sum(done_, so_far)); };
    }
    (void)host_->set_watch(std::move(told));
  }

  std::shared_ptr<HostTurns::Circle> circle_;
  std::function<std::unique_ptr<Host>()> open_;
  std::unique_ptr<Host> host_;
  HostCounters done_;  ///< in earlier turns
  HostWatch watch_;
};

namespace {

/// What can be told without the engine.
struct Facts {
  explicit Facts(const Host& host)
      : info(host.describe()),
        chat_template(host.chat_template()),
        marks(host.reasoning_marks()),
        engine(host.engine()),
        quantisation(host.quantisation()),
        settings(host.settings()),
        n_context(host.context_size()),
        reads_in_turn(host.reads_in_turn()),
        why_no_gradients(host.why_no_gradients()) {}

  ModelInfo info;
  std::string chat_template;
  ReasoningMarks marks;
  std::string engine;
  std::string quantisation;
  std::map<std::string, std::string> settings;
  int64_t n_context = 0;
  bool reads_in_turn = false;
  std::string why_no_gradients;
};

class TurnHost : public Host {
 public:
  TurnHost(std::shared_ptr<HostTurns::Circle> circle, std::function<std::unique_ptr<Host>()> open)
      : slot_(std::make_unique<HostTurns::Circle::Slot>(std::move(circle), std::move(open))),
        facts_(loaded()) {}

  [[nodiscard]] const ModelInfo& describe() const override { return facts_.info; }
  [[nodiscard]] std::string chat_template() const override { return facts_.chat_template; }
  [[nodiscard]] ReasoningMarks reasoning_marks() const override { return facts_.marks; }
  [[nodiscard]] std::string engine() const override { return facts_.engine; }
  [[nodiscard]] std::string quantisation() const override { return facts_.quantisation; }
  [[nodiscard]] std::map<std::string, std::string> settings() const override {
    return facts_.settings;
  }
  [[nodiscard]] int64_t context_size() const override { return facts_.n_context; }
  [[nodiscard]] bool reads_in_turn() const override { return facts_.reads_in_turn; }
  [[nodiscard]] std::string why_no_gradients() const override { return facts_.why_no_gradients; }
  [[nodiscard]] HostCounters counters() const override { return slot_->counters(); }
  HostWatch set_watch(HostWatch watch) override { return slot_->set_watch(std::move(watch)); }

  [[nodiscard]] Prompt render(const Conversation& conversation) const override {
    return loaded().render(conversation);
  }
  [[nodiscard]] std::vector<int32_t> render_whole(
      const std::vector<Message>& messages) const override {
    return loaded().render_whole(messages);
  }
  [[nodiscard]] std::vector<int32_t> render_visible(
      const Conversation& conversation) const override {
    return loaded().render_visible(conversation);
  }
  [[nodiscard]] std::vector<int32_t> tokenize(const std::string& text,
                                              bool begin_of_text) const override {
    return loaded().tokenize(text, begin_of_text);
  }
  [[nodiscard]] std::string piece(int32_t token) const override { return loaded().piece(token); }

  std::vector<Result<RouterTrace>> trace(const std::vector<TraceRequest>& requests) override {
    return loaded().trace(requests);
  }
  std::vector<std::string> observe(const std::vector<TraceRequest>& requests,
                                   const RouterObserver& observer) override {
    return loaded().observe(requests, observer);
  }
  std::vector<std::string> observe_outputs(const std::vector<TraceRequest>& requests,
                                           const OutputObserver& observer) override {
    return loaded().observe_outputs(requests, observer);
  }
  std::vector<Result<Reply>> generate(const std::vector<GenerateRequest>& requests,
                                      const Sampling& sampling) override {
    return loaded().generate(requests, sampling);
  }
  std::vector<Result<Reply>> stream(const std::vector<GenerateRequest>& requests,
                                    const Sampling& sampling,
                                    const TokenListener& listener) override {
    return loaded().stream(requests, sampling, listener);
  }
  std::vector<Result<Score>> score(const std::vector<ScoreRequest>& requests) override {
    return loaded().score(requests);
  }
  std::vector<Result<Probe>> probe(const std::vector<ProbeRequest>& requests) override {
    return loaded().probe(requests);
  }
  std::vector<Result<Residual>> residuals(const std::vector<ResidualRequest>& requests) override {
    return loaded().residuals(requests);
  }
  std::vector<Result<SteerGradient>> gradients(
      const std::vector<GradientRequest>& requests) override {
    return loaded().gradients(requests);
  }
  // converse() stays the one of Host: `next` may ask a judge, and with it change turns between two
  // rounds, while no call of the engine is under way.

 private:
  [[nodiscard]] Host& loaded() const { return slot_->loaded(); }

  std::unique_ptr<HostTurns::Circle::Slot> slot_;
  Facts facts_;
};

}  // namespace

HostTurns::HostTurns() : circle_(std::make_shared<Circle>()) {}

std::unique_ptr<Host> HostTurns::join(std::function<std::unique_ptr<Host>()> open) {
  return std::make_unique<TurnHost>(circle_, std::move(open));
}

int64_t HostTurns::n_load() const {
  return circle_->n_load;
}

}  // namespace mascing
