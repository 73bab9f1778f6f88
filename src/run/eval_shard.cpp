// Blocks are the chunks that the evaluator runs together, so every result is found in the cache by
// its key.
#include "run/eval_shard.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "base/files.h"
#include "mascing/error.h"
#include "measure/own_json.h"
#include "run/sampled_evaluation.h"
#include "run/test_texts.h"

namespace mascing {
namespace {

using nlohmann::json;

/// A unit of work that runs as a whole.
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
    const int64_t n_row = std::ssize(set.rows(Split::kTest));
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

void ask_chunk(const EvalContext& context,
               const TestBlock& block,
               const Steering& steering,
               const Sampling& sampling) {
  const std::vector<Conversation>& rows = block.set->rows(Split::kTest);
  const std::vector<AskedReply> replies =
      context.evaluator.chunk(rows, block.start, steering, sampling);
  const auto first = rows.begin() + block.start;
  (void)judge_replies(
      {first, first + std::ssize(replies)}, replies, context.rules_for(block.set->spec));
}

void ask_test(const EvalContext& context,
              const TestBlock& block,
              const Steering& steering,
              uint64_t seed) {
  ask_chunk(context, block, steering, context.evaluator.sampling());
  for (const int64_t sample_seed : context.scenario.sample_seeds_of(block.set->spec)) {
    ask_chunk(context, block, steering, sampling_of(context.scenario, seed, sample_seed));
  }
}

void ask_text(const EvalContext& context, const Steering& steering) {
  CachedEvaluator& evaluator = context.evaluator;
  for (const auto& blocks : test_texts(context)) {
    (void)evaluator.text_perplexity(blocks, steering);
  }
}

/// Base and steered; the calibration is about the base alone.
void ask_block(const EvalContext& context,
               const TestBlock& block,
               const Steering& steering,
               uint64_t seed) {
  CachedEvaluator& evaluator = context.evaluator;
  if (block.kind == BlockKind::kCalibration) {
    const auto& rows = block.set->rows(calibration_split(context.data));
    if (!rows.empty()) {
      (void)evaluator.chunk(rows, 0, {}, evaluator.sampling());
    }
    return;
  }
  for (const Steering& side : {Steering{}, steering}) {
    if (block.kind == BlockKind::kTest) {
      ask_test(context, block, side, seed);
    } else if (block.kind == BlockKind::kChoices) {
      (void)evaluator.choices(context.data.choices, side);
    } else {
      ask_text(context, side);
    }
  }
}

std::string part_file(const std::string& folder) {
  return folder + "/part.json";
}

}  // namespace

void ask_shard(const EvalContext& context,
               const Steering& steering,
               uint64_t seed,
               const JobShard& shard) {
  const std::vector<TestBlock> blocks = all_blocks(context.data);
  const ShardRange range = blocks_of(shard, std::ssize(blocks), "blocks of the test");
  const std::string what = "testing: part " + std::to_string(shard.i);
  const int64_t n_block = range.end - range.begin;
  const Progress& progress = context.evaluator.progress();
  for (int64_t i = range.begin; i < range.end; ++i) {
    report(progress, {what, i - range.begin, n_block, "blocks", ""});
    ask_block(context, blocks[i], steering, seed);
  }
  report(progress, {what, n_block, n_block, "blocks", ""});
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
                  "[eval] '" + folder + "' is not a shard of an evaluation",
                  "use the output folders of `mascing eval --shard`");
    }
    const json part = parse_own_json(read_text_file(part_file(folder)));
    if (!part.is_object() || part.value("key", json()) != key) {
      throw Error(ErrorKind::kMismatch,
                  "[eval] '" + folder + "' belongs to a different evaluation",
                  "all shards need the same scenario, model, mask, strength, judges, threads and "
                  "options");
    }
    cache.take_from(folder + "/cache");
  }
}

}  // namespace mascing
