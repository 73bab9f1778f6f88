// The fake model on a machine that computes a token a second, by a clock of its own.
#pragma once

#include <utility>
#include <vector>

#include "host/fake_host.h"
#include "mascing/error.h"

namespace mascing {

class SlowHost : public FakeHost {
 public:
  SlowHost(double seconds_per_token, int64_t size_bytes)
      : seconds_per_token_(seconds_per_token), info_(FakeHost::make_info()) {
    info_.size_bytes = size_bytes;
  }

  [[nodiscard]] const ModelInfo& describe() const override { return info_; }
  [[nodiscard]] HostCounters counters() const override { return work_; }
  HostWatch set_watch(HostWatch watch) override { return std::exchange(watch_, std::move(watch)); }

  std::vector<Result<Reply>> generate(const std::vector<GenerateRequest>& requests,
                                      const Sampling& sampling) override {
    n_asked.push_back(std::ssize(requests));
    for (const GenerateRequest& request : requests) {
      work(std::ssize(request.tokens), false);
      work(sampling.n_max_token, true);
    }
    return FakeHost::generate(requests, sampling);
  }
  std::vector<Result<Probe>> probe(const std::vector<ProbeRequest>& requests) override {
    n_asked.push_back(std::ssize(requests));
    for (const ProbeRequest& request : requests) {
      work(std::ssize(request.tokens), false);
    }
    return FakeHost::probe(requests);
  }

  std::vector<int64_t> n_asked;  ///< requests of each call

 private:
  /// Token by token, as an engine does, which asks its watch in between.
  void work(int64_t n_token, bool is_generated) {
    for (int64_t t = 0; t < n_token; ++t) {
      ++(is_generated ? work_.n_generated_token : work_.n_prefill_token);
      work_.seconds += seconds_per_token_;
      if (watch_ && !watch_(work_)) {
        throw Error(ErrorKind::kInterrupted, "[fake] stopped on request");
      }
    }
  }

  double seconds_per_token_;
  ModelInfo info_;
  HostCounters work_;
  HostWatch watch_;
};

}  // namespace mascing
