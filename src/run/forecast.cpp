// Means over a sample of every set, times the counts of the data, over the measured speeds.
#include "mascing/forecast.h"

#include <algorithm>
#include <cmath>

#include "base/numeric.h"
#include "base/text.h"
#include "mascing/error.h"
#include "run/baseline_settings.h"
#include "run/forecast_speed.h"
#include "run/forecast_tokens.h"
#include "scenario/dataset.h"
#include "scenario/text_blocks.h"

namespace mascing {
namespace {

constexpr int64_t kSampleRows = 32;      // of each set that are rendered
constexpr double kTurnTokens = 8.0;      // that a chat template adds to a turn
constexpr double kSurrogateFlops = 8e9;  // of one thread (docs/engine.md)
constexpr double kReasonedShare = 0.25;  // of the limit, where replies were cut

/// Every k-th row of all splits, at most kSampleRows.
std::vector<const Conversation*> sample_of(const LoadedSet& set) {
  std::vector<const Conversation*> all;
  for (const Split split : kSplits) {
    for (const Conversation& row : set.rows(split)) {
      all.push_back(&row);
    }
  }
  std::vector<const Conversation*> sample;
  const int64_t n = std::min(std::ssize(all), kSampleRows);
  for (int64_t i = 0; i < n; ++i) {
    sample.push_back(all[i * std::ssize(all) / n]);
  }
  return sample;
}

/// The final request alone, where a template takes no two user turns in a row.
Prompt render_last(const Host& host, const Conversation& row) {
  Conversation last = row;
  last.messages = {row.messages.back()};
  return host.render(last);
}

/// Rendered prompts of a sample; rows that cannot be rendered are left out.
std::vector<Prompt> prompts_of(const Host& host, const LoadedSet& set) {
  std::vector<Prompt> prompts;
  for (const Conversation* row : sample_of(set)) {
    try {
      prompts.push_back(set.spec.needs_rollout ? render_last(host, *row) : host.render(*row));
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::kBadInput) {
        throw;
      }
    }
  }
  return prompts;
}

void add_play(const Host& host, const LoadedSet& set, SetTokens& tokens) {
  const std::vector<const Conversation*> sample = sample_of(set);
  for (const Conversation* row : sample) {
    for (const Message& message : row->messages) {
      const double n = to_double(std::ssize(host.tokenize(message.content, false)));
      tokens.play_prompt += (n + kTurnTokens) / to_double(std::ssize(sample));
      tokens.n_play_turn += (message.role == "user" ? 1.0 : 0.0) / to_double(std::ssize(sample));
    }
  }
}

/// Mean leading tokens that a prompt shares with the one before it, and that the cache keeps.
double shared_tokens(const Host& host, const std::vector<Prompt>& prompts) {
  double sum = 0.0;
  for (size_t i = 1; i < prompts.size(); ++i) {
    const std::vector<int32_t>& a = prompts[i - 1].tokens;
    const std::vector<int32_t>& b = prompts[i].tokens;
    sum += to_double(std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first - a.begin());
  }
  const bool is_kept = !host.reads_in_turn() && prompts.size() > 1;
  return is_kept ? sum / to_double(std::ssize(prompts) - 1) : 0.0;
}

SetTokens tokens_of(const Host& host, const LoadedSet& set, const std::vector<Prompt>& prompts) {
  SetTokens tokens;
  tokens.role = set.spec.role;
  for (const Split split : kSplits) {
    tokens.n.at(static_cast<size_t>(split)) = std::ssize(set.rows(split));
  }
  for (const Prompt& prompt : prompts) {
    const double n = to_double(std::ssize(prompts));
    tokens.prompt += to_double(std::ssize(prompt.tokens)) / n;
    tokens.final_user += to_double(prompt.final_user.size()) / n;
  }
  tokens.shared = shared_tokens(host, prompts);
  if (set.spec.needs_rollout) {
    add_play(host, set, tokens);
  }
  return tokens;
}

double n_token_of(const std::vector<TextBlock>& blocks) {
  double n = 0.0;
  for (const TextBlock& block : blocks) {
    n += to_double(std::ssize(block.tokens));
  }
  return n;
}

TextTokens text_tokens(const Host& host, const Scenario& scenario, const Dataset& data) {
  TextTokens tokens;
  for (const Split split : kSplits) {
    tokens.limited.at(static_cast<size_t>(split)) =
        n_token_of(limited_blocks(host, data, scenario, split));
  }
  tokens.n_tested = n_token_of(text_blocks(host, data, scenario, Split::kTest));
  if (!host.chat_template().empty()) {
    tokens.n_tested += n_token_of(text_blocks(host, data, scenario, Split::kTest, TextForm::kChat));
  }
  for (const ChoiceQuestion& question : data.choices) {
    const double n_question = to_double(std::ssize(host.tokenize(question.question, true)));
    for (const std::string& choice : question.choices) {
      tokens.n_choice += to_double(std::ssize(host.tokenize(choice, false)));
    }
    tokens.n_choice += n_question + kTurnTokens;
  }
  return tokens;
}

/// Prompts of all sets in turns, so that the first ones are a fair sample.
std::vector<Prompt> in_turns(const std::vector<std::vector<Prompt>>& of_sets) {
  std::vector<Prompt> all;
  for (int64_t i = 0; i < kSampleRows; ++i) {
    for (const std::vector<Prompt>& prompts : of_sets) {
      if (i < std::ssize(prompts)) {
        all.push_back(prompts[i]);
      }
    }
  }
  return all;
}

bool may_reason(const Scenario& scenario, const Host& host) {
  return !host.reasoning_marks().start.empty() &&
         scenario.chat_template.reasoning == ReasoningMode::kOn;
}

/// Where the measurement had no time for whole replies, they are taken to be as long as allowed.
double reply_length(const Scenario& scenario, const Host& host, const ModelSpeed& speed) {
  if (speed.has_whole_reply) {
    return speed.reply_token;
  }
  return to_double(scenario.n_max_token) +
         (may_reason(scenario, host) ? kReasonedShare * to_double(scenario.n_max_reasoning_token)
                                     : 0.0);
}

/// What a rollout makes of a script: the model's own turns come to its prompt.
void set_replies(double n_reply, std::vector<SetTokens>& sets) {
  for (SetTokens& set : sets) {
    set.reply = n_reply;
    set.play_reply = n_reply;
    if (set.n_play_turn > 0.0) {
      set.prompt = set.play_prompt + (set.n_play_turn - 1.0) * n_reply;
    }
  }
}

std::vector<std::string> notes_of(const Scenario& scenario, const Forecast& forecast) {
  std::vector<std::string> notes;
  if (!forecast.speed.has_whole_reply) {
    notes.emplace_back("replies are taken to be as long as max_tokens allows");
  }
  if (forecast.speed.reads_in_turn) {
    notes.emplace_back(
        "the model keeps a recurrent state: openings are read and differentiated one after the "
        "other");
  }
  for (const JudgeSpec& spec : scenario.judge.also) {
    if (spec.kind != JudgeKind::kAnswerKey && spec.kind != JudgeKind::kPhrases &&
        spec.kind != JudgeKind::kPrefixes) {
      notes.push_back("the time of the judge '" + spec.name + "' is not included");
    }
  }
  if (scenario.uses(MaskMethod::kInterventionalSurrogate)) {
    notes.emplace_back("the rounds of interventional_surrogate are not included");
  }
  return notes;
}

/// Without the surrogate's work. Openings that are read in turn are short decodes of one sequence,
/// as replies are written.
double stage_seconds(const StageForecast& stage, const ModelSpeed& speed) {
  const int64_t n_slow = speed.reads_in_turn ? stage.n_opening : 0;
  double seconds = to_double(stage.n_prefill - n_slow) / speed.prefill +
                   to_double(stage.n_generated + n_slow) / speed.generated;
  if (stage.n_gradient > 0) {
    seconds += to_double(stage.n_gradient - stage.n_text_gradient) / speed.gradient;
  }
  if (stage.n_text_gradient > 0) {
    seconds += to_double(stage.n_text_gradient) / speed.text_gradient;
  }
  return seconds;
}

void add_seconds(const RunTokens& tokens,
                 const Scenario& scenario,
                 const ModelInfo& info,
                 int64_t n_thread,
                 Forecast& forecast) {
  for (StageForecast& stage : forecast.stages) {
    stage.seconds = stage_seconds(stage, forecast.speed);
    if (stage.name == "train_and_steer") {
      stage.seconds += surrogate_work(scenario, tokens, info.n_layer, info.n_expert) /
                       (kSurrogateFlops * to_double(n_thread));
    }
    forecast.seconds += stage.seconds;
  }
}

}  // namespace

Forecast forecast_run(const Scenario& scenario, Host& host, const ForecastOptions& options) {
  const Dataset data = load_dataset(scenario, options.seed);
  RunTokens tokens;
  std::vector<std::vector<Prompt>> prompts;
  for (const LoadedSet& set : data.sets) {
    prompts.push_back(prompts_of(host, set));
    tokens.sets.push_back(tokens_of(host, set, prompts.back()));
    tokens.sets.back().n_sample = std::ssize(scenario.sample_seeds_of(set.spec));
  }
  const std::vector<Prompt> mixed = in_turns(prompts);
  if (mixed.empty()) {
    throw Error(ErrorKind::kInsufficient,
                "[forecast] the model's chat template takes none of the conversations",
                "check their roles with mascing inspect and the model's template");
  }
  tokens.text = text_tokens(host, scenario, data);
  const bool wants_exact = scenario.search.gradients != GradientSource::kPairs &&
                           scenario.uses_loop() && host.why_no_gradients().empty();
  Forecast forecast;
  if (!options.model.empty()) {
    forecast.space = forecast_space(scenario, options);
  }
  forecast.speed = measure_speed(host,
                                 mixed,
                                 {options.measure_s,
                                  options.n_parallel,
                                  wants_exact,
                                  {to_float(scenario.temperature),
                                   options.seed,
                                   scenario.n_max_token,
                                   scenario.n_max_reasoning_token}});
  tokens.is_exact = forecast.speed.gradient > 0.0;
  tokens.reasons = may_reason(scenario, host);
  const ModelInfo& info = host.describe();
  tokens.n_entry = info.n_layer * info.n_expert;
  if (options.with_baselines) {
    tokens.baselines = count_settings(scenario, info);
  }
  set_replies(reply_length(scenario, host, forecast.speed), tokens.sets);
  forecast.stages = count_stages(scenario, tokens);
  add_seconds(tokens, scenario, info, options.n_thread, forecast);
  forecast.notes = notes_of(scenario, forecast);
  return forecast;
}

}  // namespace mascing
