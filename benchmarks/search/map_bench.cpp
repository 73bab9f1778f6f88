// How many pairs of random masks the effect map needs, on models of which everything is known: 300
// conversations whose margins are linear in the mask, with gradients g + noise. A tenth of the
// entries of g are five times as large as the others; the mean squared length of a conversation's
// gradient is RATIO |g|^2, 7.8 on the natural demo model.
//
//   map_bench [RATIO]
//
// Prints, by the number of free entries d and of pairs: the reliability that the map itself
// reports, that of the plain estimator on paper, 1 / (1 + RATIO d / pairs), and how well the map
// knows the truth; then the same of the map of layers.
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "base/random.h"
#include "stage/effect_map.h"
#include "stage/statistics.h"

namespace mascing {
namespace {

constexpr int64_t kConversations = 300;

struct World {
  Mask space;
  std::vector<OutcomeSet> sets;
  std::vector<double> truth;               ///< g
  std::vector<std::vector<double>> gains;  ///< of every conversation

  [[nodiscard]] AskModel ask() const {
    return [this](const std::vector<Question>& questions) {
      std::vector<double> answers;
      answers.reserve(questions.size());
      for (const Question& question : questions) {
        const std::vector<float>& s = question.steering.mask->steer;
        double margin = 0.0;
        for (size_t j = 0; j < s.size(); ++j) {
          margin += gains[question.i_item][j] * static_cast<double>(s[j]);
        }
        answers.push_back(margin);
      }
      return answers;
    };
  }
};

/// Only entries that a search would ask about are there: `n_layer` times `n_expert` of them.
World make_world(int64_t n_layer, int64_t n_expert, double ratio) {
  World world;
  world.space.n_layer = n_layer;
  world.space.n_expert = n_expert;
  world.space.steer.assign(static_cast<size_t>(n_layer * n_expert), 0.0F);
  world.space.sigma.assign(static_cast<size_t>(n_layer), 1.0F);
  Rng rng(1);
  const auto d = static_cast<double>(n_layer * n_expert);
  double square = 0.0;
  for (size_t j = 0; j < world.space.steer.size(); ++j) {
    world.truth.push_back(rng.normal() * (rng.below(10) == 0 ? 5.0 : 1.0));
    square += world.truth.back() * world.truth.back();
  }
  const double noise = std::sqrt((ratio - 1.0) * square / d);
  for (int64_t i = 0; i < kConversations; ++i) {
    std::vector<double> gain = world.truth;
    for (double& g : gain) {
      g += noise * rng.normal();
    }
    world.gains.push_back(std::move(gain));
  }
  OutcomeSet set;
  set.openings =
      std::make_shared<const std::vector<TokenSequence>>(std::vector<TokenSequence>{{0}, {1}});
  set.n_wanted = 1;
  set.prompts.resize(static_cast<size_t>(kConversations));
  world.sets.push_back(std::move(set));
  return world;
}

/// `ratio` 0: paper has nothing to say.
void print_row(const char* what, int64_t d, double ratio, const EffectMap& map, double likeness) {
  const double paper = 1.0 / (1.0 + ratio * static_cast<double>(d) / static_cast<double>(map.n));
  char expected[16] = "-";
  if (ratio > 0.0) {
    std::snprintf(expected, sizeof expected, "%.2f", paper);
  }
  std::printf("| %s | %4lld | %6lld | %.2f | %s | %.2f |\n",
              what,
              static_cast<long long>(d),
              static_cast<long long>(map.n),
              map.reliability(),
              expected,
              likeness);
  std::fflush(stdout);
}

void measure(int64_t n_layer, int64_t n_expert, double ratio) {
  const World world = make_world(n_layer, n_expert, ratio);
  const FreeEntries entries = all_entries(world.space);
  for (const int64_t n_pair : {512, 2048, 8192, 16384}) {
    EffectOptions options;
    options.n_max = n_pair;
    options.n_round = n_pair;
    const EffectMap map =
        measure_effects(world.space, entries, world.sets, 0, world.ask(), options);
    print_row("experts", std::ssize(entries), ratio, map, cosine(map.effect, world.truth));
  }
}

void measure_layers(int64_t n_layer, int64_t n_expert, double ratio) {
  const World world = make_world(n_layer, n_expert, ratio);
  // The difference of routing: what causes the behaviour, and as much that goes along with it.
  Rng rng(2);
  std::vector<float> directions;
  double square = 0.0;
  for (const double g : world.truth) {
    square += g * g / static_cast<double>(world.truth.size());
  }
  for (const double g : world.truth) {
    directions.push_back(static_cast<float>(g + std::sqrt(square) * rng.normal()));
  }
  directions = unit_rows(std::move(directions), n_expert);
  std::vector<double> truth;
  for (int64_t i = 0; i < n_layer; ++i) {
    double along = 0.0;
    for (int64_t k = 0; k < n_expert; ++k) {
      const auto at = static_cast<size_t>(i * n_expert + k);
      along += world.truth[at] * static_cast<double>(directions[at]);
    }
    truth.push_back(along);
  }
  for (const int64_t n_pair : {128, 512}) {
    EffectOptions options;
    options.n_max = n_pair;
    options.n_round = n_pair;
    const EffectMap map =
        measure_layer_effects(world.space, directions, world.sets, 0, world.ask(), options);
    print_row("layers ", n_layer, 0.0, map, cosine(map.effect, truth));
  }
}

}  // namespace
}  // namespace mascing

int main(int argc, char** argv) {
  const double ratio = argc > 1 ? std::strtod(argv[1], nullptr) : 7.8;
  if (argc > 2 || !(ratio >= 1.0)) {
    std::fprintf(stderr, "usage: map_bench [RATIO of at least 1]\n");
    return 2;
  }
  std::printf(
      "| map of | d | pairs | reliability, as reported | on paper | cosine with the truth |\n"
      "| --- | --- | --- | --- | --- | --- |\n");
  mascing::measure(6, 16, ratio);   // the demo models
  mascing::measure(16, 32, ratio);  // 512: what is asked about on any larger model
  mascing::measure_layers(24, 32, ratio);
  mascing::measure_layers(48, 128, ratio);
  mascing::measure_layers(58, 256, ratio);
}
