// See the header.
#include "search/interventional_mask.h"

#include <map>
#include <memory>
#include <string>
#include <utility>

#include "measure/budget_shares.h"
#include "stage/interventional.h"

namespace mascing {
namespace {

using TracePlaces = std::map<std::pair<std::string, std::string>, int64_t>;

/// Set and id of a conversation -> index of its trace.
TracePlaces trace_places(const TraceSet& traces) {
  TracePlaces places;
  for (size_t i = 0; i < traces.traces.size(); ++i) {
    places[{traces.traces[i].set, traces.traces[i].id}] = static_cast<int64_t>(i);
  }
  return places;
}

/// Items of set `i_set` of the objectives, whose conversations are `rows`, that have a trace.
void add_traced_items(const Objectives& objectives,
                      size_t i_set,
                      const std::vector<Conversation>& rows,
                      const TracePlaces& places,
                      std::vector<TracedItem>& items) {
  for (size_t i_item = 0; i_item < objectives.rows[i_set].size(); ++i_item) {
    const auto found =
        places.find({objectives.sets[i_set].name, rows[objectives.rows[i_set][i_item]].id});
    if (found != places.end()) {
      items.push_back({static_cast<int64_t>(i_set), static_cast<int64_t>(i_item), found->second});
    }
  }
}

TracedObjectives traced_objectives(const DiscoveryData& discovery) {
  const Objectives& objectives = discovery.objectives;
  const TracePlaces places = trace_places(discovery.traces);
  TracedObjectives traced = {objectives.roles, {}, discovery.traces};
  for (size_t i_set = 0; i_set < objectives.sets.size(); ++i_set) {
    for (const LoadedSet& set : discovery.data.sets) {
      if (set.spec.metric == objectives.sets[i_set].name) {
        add_traced_items(objectives, i_set, set.rows(Split::kDiscovery), places, traced.items);
      }
    }
  }
  return traced;
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

InterventionalMask make_interventional_mask(CachedEvaluator& evaluator,
                                            const DiscoveryData& discovery,
                                            const Scenario& scenario,
                                            const SearchSpace& space,
                                            const BuildOptions& options) {
  const AskModel ask = asking(evaluator, discovery.objectives);
  InterventionalOptions settings;
  settings.seed = options.seed;
  settings.n_thread = options.n_thread;
  settings.train.n_proj = scenario.train.n_proj;
  settings.train.n_hidden = scenario.train.n_hidden;
  settings.progress = evaluator.progress();
  settings.is_spent = [&] { return evaluator.budget_spent() >= kMaskShare; };
  const InterventionalResult made = steer_by_interventions(
      space.mask, space.entries, traced_objectives(discovery), ask, settings);
  Mask mask = space.mask;
  mask.steer = made.steer;
  return {candidate_of(std::move(mask), MaskMethod::kInterventionalSurrogate), summarise(made)};
}

}  // namespace mascing
