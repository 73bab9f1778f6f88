// A judge that fails on some replies of one set, as one behind a network may.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "mascing/judge.h"

namespace mascing {

/// As `inner`, but of each batch of a set the first `n` replies get no verdict.
class SilentJudge : public Judge {
 public:
  SilentJudge(Judge& inner, std::string set, int64_t n)
      : inner_(inner), set_(std::move(set)), n_(n) {}

  [[nodiscard]] std::string name() const override { return "silent"; }
  [[nodiscard]] std::string key() const override { return "silent" + inner_.key(); }
  [[nodiscard]] std::vector<Judgement> judge(const std::vector<Exchange>& exchanges) override {
    std::vector<Judgement> judgements = inner_.judge(exchanges);
    int64_t n_left = n_;
    for (size_t i = 0; i < exchanges.size(); ++i) {
      if (exchanges[i].set == set_ && n_left > 0) {
        --n_left;
        judgements[i].error = "the judge did not answer";
      }
    }
    return judgements;
  }
  void self_test() override { inner_.self_test(); }

 private:
  Judge& inner_;
  std::string set_;
  int64_t n_;
};

}  // namespace mascing
