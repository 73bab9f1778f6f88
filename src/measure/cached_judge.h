// Caches the verdicts of a costly judge on disk, under everything they depend
// on.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "mascing/judge.h"
#include "mascing/progress.h"
#include "measure/cache.h"

namespace mascing {

/// Name, key and self-test are those of the inner judge. Failures are not cached, so the next run
/// tries again.
class CachedJudge : public Judge {
 public:
  CachedJudge(std::unique_ptr<Judge> judge, Cache cache, Progress progress);

  [[nodiscard]] std::string name() const override { return judge_->name(); }
  [[nodiscard]] std::string key() const override { return key_; }
  [[nodiscard]] std::string prompt() const override { return judge_->prompt(); }
  [[nodiscard]] bool is_costly() const override { return true; }
  /// Judges 16 exchanges at a time, stores the verdicts and reports progress. Can be interrupted
  /// and resumes where it stopped.
  [[nodiscard]] std::vector<Judgement> judge(const std::vector<Exchange>& exchanges) override;
  void self_test() override { judge_->self_test(); }

 private:
  std::unique_ptr<Judge> judge_;
  std::string key_;
  Cache cache_;
  Progress progress_;
};

}  // namespace mascing
