// See the header.
#include "pipeline/interventional_mask.h"

#include <map>
#include <memory>
#include <string>
#include <utility>

#include "stage/interventional.h"

namespace mascing {
namespace {

/// Conversations with a margin and a trace.
std::vector<TracedItem> traced_items(const Panel& panel,
                                     const Dataset& data,
                                     const TraceSet& traces) {
  std::map<std::pair<std::string, std::string>, int64_t> place;
  for (size_t i = 0; i < traces.traces.size(); ++i) {
    place[{traces.traces[i].set, traces.traces[i].id}] = static_cast<int64_t>(i);
  }
  std::vector<TracedItem> items;
  for (size_t i_set = 0; i_set < panel.sets.size(); ++i_set) {
    for (const LoadedSet& set : data.sets) {
      if (set.spec.metric != panel.sets[i_set].name) {
        continue;
      }
      for (size_t i_item = 0; i_item < panel.rows[i_set].size(); ++i_item) {
        const Conversation& row = set.rows(Split::kDiscovery)[panel.rows[i_set][i_item]];
        const auto found = place.find({set.spec.metric, row.id});
        if (found != place.end()) {
          items.push_back(
              {static_cast<int64_t>(i_set), static_cast<int64_t>(i_item), found->second});
        }
      }
    }
  }
  return items;
}

InterventionalSurrogateResult summarise(const InterventionalResult& made) {
  InterventionalSurrogateResult result;
  result.n_question = made.n_question;
  for (const InterventionalRound& round : made.rounds) {
    result.rounds.push_back({round.norm, round.value, round.correlation});
  }
  return result;
}

}  // namespace

InterventionalMask make_interventional_mask(Bench& bench,
                                            const Panel& panel,
                                            const Dataset& data,
                                            const TraceSet& traces,
                                            const Scenario& scenario,
                                            const MaskFrame& frame,
                                            const BuildOptions& options) {
  const AskModel ask = [&](const std::vector<Question>& questions) {
    return bench.outcomes(panel.sets, panel.key, questions);
  };
  InterventionalOptions settings;
  settings.seed = options.seed;
  settings.n_thread = options.n_thread;
  settings.train.n_proj = scenario.train.n_proj;
  settings.train.n_hidden = scenario.train.n_hidden;
  settings.progress = bench.progress();
  settings.is_spent = [&] { return bench.budget_spent() >= kMaskShare; };
  const InterventionalResult made = steer_by_interventions(frame.mask,
                                                           frame.entries,
                                                           panel.roles,
                                                           traced_items(panel, data, traces),
                                                           traces,
                                                           ask,
                                                           settings);
  Mask mask = frame.mask;
  mask.steer = made.steer;
  mask.method = to_string(MaskMethod::kInterventionalSurrogate);
  mask.threshold = 0.0F;
  mask.validate();
  InterventionalMask result;
  result.candidate.mask = std::make_shared<const Mask>(std::move(mask));
  result.result = summarise(made);
  return result;
}

}  // namespace mascing
