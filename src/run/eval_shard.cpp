// Blocks are the chunks that the evaluator asks together, so every answer is found again by its
// key.
#include "run/eval_shard.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "base/files.h"
#include "mascing/error.h"
#include "measure/label.h"
#include "run/sampled_evaluation.h"
#include "scenario/text_blocks.h"

namespace mascing {
namespace {

using nlohmann::json;

/// What is asked in one go.
enum class BlockKind { kCalibration, kTest, kChoices, kText };

struct TestBlock {
  BlockKind kind = BlockKind::kText;
  const LoadedSet* set = nullptr;
  int64_t start = 0;  ///< of the chunk
};

std::vector<TestBlock> all_blocks(const Dataset& data) {
  std::vector<TestBlock> blocks;
  for (const LoadedSet& set : data.sets) {
    blocks.push_back({BlockKind::kCalibration, &set, 0});
    const auto n_row = static_cast<int64_t>(set.rows(Split::kTest).size());
    for (int64_t start = 0; start < n_row; start += kChunk) {
      blocks.push_back({BlockKind::kTest, &set, start});
    }
  }
  if (!data.choices.empty()) {
    blocks.push_back({BlockKind::kChoices});
  }
  if (!data.text.empty()) {
    blocks.push_back({BlockKind::kText});
  }
  return blocks;
}

class ShardAsker {
 public:
  ShardAsker(CachedEvaluator& evaluator, const HoldoutPlan& plan)
      : evaluator_(evaluator), plan_(plan) {}

  void ask(const TestBlock& block) {
    switch (block.kind) {
      case BlockKind::kCalibration:
        (void)evaluator_.chunk(block.set->rows(Split::kDiscovery), 0, {}, evaluator_.sampling());
        break;
      case BlockKind::kTest:
        ask_test(block);
        break;
      case BlockKind::kChoices:
        for (const Steering& steering : {Steering{}, plan_.steering}) {
          (void)evaluator_.choices(plan_.data.choices, steering);
        }
        break;
      case BlockKind::kText:
        ask_text();
        break;
    }
  }

 private:
  void ask_test(const TestBlock& block) {
    for (const Steering& steering : {Steering{}, plan_.steering}) {
      ask_chunk(block, steering, evaluator_.sampling());
      for (const int64_t sample_seed : plan_.scenario.sample_seeds) {
        ask_chunk(block, steering, sampling_of(plan_.scenario, plan_.seed, sample_seed));
      }
    }
  }

  void ask_chunk(const TestBlock& block, const Steering& steering, const Sampling& sampling) {
    const std::vector<Conversation>& rows = block.set->rows(Split::kTest);
    const std::vector<AskedReply> replies = evaluator_.chunk(rows, block.start, steering, sampling);
    const auto first = rows.begin() + block.start;
    (void)judge_replies({first, first + static_cast<int64_t>(replies.size())},
                        replies,
                        rules_for(block.set->spec, plan_.judge, plan_.coherence));
  }

  void ask_text() {
    const auto blocks = text_blocks(evaluator_.host(), plan_.data, plan_.scenario, Split::kTest);
    if (blocks.empty()) {
      return;
    }
    for (const Steering& steering : {Steering{}, plan_.steering}) {
      (void)evaluator_.text_perplexity(blocks, steering);
    }
  }

  CachedEvaluator& evaluator_;
  const HoldoutPlan& plan_;
};

std::string part_file(const std::string& folder) {
  return folder + "/part.json";
}

}  // namespace

void ask_shard(CachedEvaluator& evaluator, const HoldoutPlan& plan, const JobShard& shard) {
  const std::vector<TestBlock> blocks = all_blocks(plan.data);
  const ShardRange range =
      blocks_of(shard, static_cast<int64_t>(blocks.size()), "blocks of the test");
  ShardAsker asker(evaluator, plan);
  const std::string what = "testing: part " + std::to_string(shard.i);
  const int64_t n_block = range.end - range.begin;
  for (int64_t i = range.begin; i < range.end; ++i) {
    report(evaluator.progress(), {what, i - range.begin, n_block, "blocks", ""});
    asker.ask(blocks[i]);
  }
  report(evaluator.progress(), {what, n_block, n_block, "blocks", ""});
}

void mark_part(const std::string& folder, const std::string& key) {
  write_file_atomically(part_file(folder), json{{"key", key}}.dump() + "\n");
}

void take_parts(const std::vector<std::string>& folders,
                const std::string& key,
                const Cache& cache) {
  for (const std::string& folder : folders) {
    if (!file_exists(part_file(folder))) {
      throw Error(ErrorKind::kBadInput,
                  "[eval] '" + folder + "' holds no part of an evaluation",
                  "give the output folders of `mascing eval --shard`");
    }
    const json part = json::parse(read_text_file(part_file(folder)), nullptr, false);
    if (!part.is_object() || part.value("key", json()) != key) {
      throw Error(ErrorKind::kMismatch,
                  "[eval] '" + folder + "' belongs to another evaluation",
                  "parts fit together if scenario, model, mask, strength, judges, threads and "
                  "options are the same");
    }
    cache.take_from(folder + "/cache");
  }
}

}  // namespace mascing
