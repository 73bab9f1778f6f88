// The surrogate learns from the traces of the very conversations that the model is asked about, so
// items of the objectives and traces are matched by set and id.
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

/// (set, id) of a conversation -> index of its trace.
TracePlaces trace_places(const TraceSet& traces) {
  TracePlaces places;
  for (int64_t i = 0; i < std::ssize(traces.traces); ++i) {
    places[{traces.traces[i].set, traces.traces[i].id}] = i;
  }
  return places;
}

/// Items of set `i_set` of the objectives, whose conversations are `rows`, that have a trace.
void add_traced_items(const Objectives& objectives,
                      int64_t i_set,
                      const std::vector<Conversation>& rows,
                      const TracePlaces& places,
                      std::vector<TracedItem>& items) {
  for (int64_t i_item = 0; i_item < std::ssize(objectives.rows[i_set]); ++i_item) {
    const auto found =
        places.find({objectives.sets[i_set].name, rows[objectives.rows[i_set][i_item]].id});
    if (found != places.end()) {
      items.push_back({i_set, i_item, found->second});
    }
  }
}

TracedObjectives traced_objectives(const Objectives& objectives,
                                   const Dataset& data,
                                   const TraceSet& traces) {
  const TracePlaces places = trace_places(traces);
  TracedObjectives traced = {objectives.roles, {}, traces};
  for (int64_t i_set = 0; i_set < std::ssize(objectives.sets); ++i_set) {
    for (const LoadedSet& set : data.sets) {
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

InterventionalMask make_interventional_mask(const EvalContext& context,
                                            const Objectives& objectives,
                                            const TraceSet& traces,
                                            const SearchSpace& space,
                                            const BuildOptions& options) {
  CachedEvaluator& evaluator = context.evaluator;
  InterventionalOptions settings;
  settings.seed = options.seed;
  settings.n_thread = options.n_thread;
  settings.train.n_proj = context.scenario.train.n_proj;
  settings.train.n_hidden = context.scenario.train.n_hidden;
  settings.progress = evaluator.progress();
  settings.is_spent = [&] { return evaluator.budget_spent() >= kMaskShare; };
  const BudgetShare share(evaluator, kMaskShare);
  const InterventionalResult made =
      steer_by_interventions(space.mask,
                             space.entries,
                             traced_objectives(objectives, context.data, traces),
                             asking(evaluator, objectives),
                             settings);
  Mask mask = space.mask;
  mask.steer = made.steer;
  InterventionalMask found{candidate_of(std::move(mask), MaskMethod::kInterventionalSurrogate),
                           summarise(made)};
  if (made.is_cut) {
    found.cut_short = {"the interventional surrogate ran " + std::to_string(made.rounds.size()) +
                       " of " + std::to_string(settings.n_round) + " rounds"};
  }
  return found;
}

}  // namespace mascing
