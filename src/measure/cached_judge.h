// Caches the verdicts of a costly judge on disk, under everything they depend
// on.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "mascing/judge.h"
#include "measure/cache.h"

namespace mascing {

/// Name, key and self-test are those of the inner judge, which is asked once about all that is not
/// known. Failures are not cached, so the next run tries again.
class CachedJudge : public Judge {
 public:
  CachedJudge(std::unique_ptr<Judge> judge, Cache cache);

  [[nodiscard]] std::string name() const override { return judge_->name(); }
  [[nodiscard]] std::string key() const override { return key_; }
  [[nodiscard]] std::string prompt() const override { return judge_->prompt(); }
  [[nodiscard]] bool is_costly() const override { return true; }
  [[nodiscard]] std::vector<Judgement> judge(const std::vector<Exchange>& exchanges) override;
  void self_test() override { judge_->self_test(); }

 private:
  std::unique_ptr<Judge> judge_;
  std::string key_;
  Cache cache_;
};

}  // namespace mascing
