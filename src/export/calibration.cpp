// Renders conversations, generates replies, and joins prompt and reply into one text.
#include "export/calibration.h"

#include <algorithm>
#include <string>

#include "base/numeric.h"
#include "export/constant_direction.h"
#include "mascing/error.h"

namespace mascing {
namespace {

constexpr const char* kQuestions[] = {"What do bees do in winter?",
                                      "Write a short poem about a lighthouse.",
                                      "How do I boil an egg?",
                                      "What is seventeen plus twenty-five?",
                                      "Tell me a story about a fox and a crow.",
                                      "Explain why the sky is blue.",
                                      "Which river flows through the old town?",
                                      "Give me three ideas for a garden.",
                                      "Summarise the tale of the tortoise and the hare.",
                                      "How can I learn to play the lute?",
                                      "Translate \"good morning\" into French.",
                                      "What should I pack for a week in the mountains?",
                                      "Write a letter to thank a friend for a gift.",
                                      "Who invented the printing press?",
                                      "List five things that are round.",
                                      "How does a mill grind flour?"};

/// Texts to continue, each with the number of its group.
struct Prompts {
  std::vector<std::vector<int32_t>> tokens;
  std::vector<int64_t> group;
};

std::vector<Conversation> everyday_questions() {
  std::vector<Conversation> conversations;
  for (const char* question : kQuestions) {
    Conversation conversation;
    conversation.messages.push_back({"user", question});
    conversations.push_back(std::move(conversation));
  }
  return conversations;
}

Prompts render_evenly(Host& host,
                      const std::vector<Conversation>& conversations,
                      const CalibrationOptions& options,
                      CalibrationTexts& texts) {
  Prompts all;
  int64_t n_token = 0;
  for (int64_t i = 0; i < std::ssize(conversations); ++i) {
    try {
      all.tokens.push_back(host.render(conversations[i]).tokens);
      all.group.push_back(i);
      n_token += 2 * std::min(std::ssize(all.tokens.back()) + options.n_reply_token,
                              longest_part(options.n_max_token));
    } catch (const Error& failure) {
      if (failure.kind() != ErrorKind::kBadInput) {
        throw;
      }
      texts.first_error = texts.n_skipped == 0 ? failure.what() : texts.first_error;
      ++texts.n_skipped;
    }
  }
  if (all.tokens.empty()) {
    throw Error(ErrorKind::kInsufficient,
                "[export] none of the " + std::to_string(conversations.size()) +
                    " conversations can be rendered: " + texts.first_error,
                "use conversations that end with a user message and fit the context (--data)");
  }
  const double share = n_token > options.n_max_token ? ratio(options.n_max_token, n_token) : 1.0;
  Prompts chosen;
  double due = 1.0;
  for (size_t i = 0; i < all.tokens.size(); ++i, due += share) {
    if (due >= 1.0) {
      due -= 1.0;
      chosen.tokens.push_back(std::move(all.tokens[i]));
      chosen.group.push_back(all.group[i]);
    }
  }
  return chosen;
}

/// Only the begin-of-text token, or a line break if there is none.
void add_blank_pages(Host& host, int64_t n, Prompts& openings) {
  std::vector<int32_t> start = host.tokenize("", true);
  if (start.empty()) {
    start = host.tokenize("\n", false);
  }
  for (int64_t i = 0; i < n && !start.empty(); ++i) {
    openings.tokens.push_back(start);
    openings.group.push_back(std::ssize(openings.group));
  }
}

void answer(Host& host,
            const Prompts& openings,
            const Steering& steering,
            const Sampling& sampling,
            std::vector<FitSample>& samples) {
  std::vector<GenerateRequest> requests;
  for (size_t i = 0; i < openings.tokens.size(); ++i) {
    requests.push_back({openings.tokens[i], steering, i});
  }
  const auto replies = host.generate(requests, sampling);
  for (size_t i = 0; i < replies.size(); ++i) {
    FitSample sample;
    sample.group = openings.group[i];
    sample.request.tokens = openings.tokens[i];
    if (replies[i].ok()) {
      const std::vector<int32_t>& reply = replies[i].value.tokens;
      sample.request.tokens.insert(sample.request.tokens.end(), reply.begin(), reply.end());
    }
    // Of a text that is too long, the last part.
    std::vector<int32_t>& tokens = sample.request.tokens;
    const int64_t n_token = std::min<int64_t>(std::ssize(tokens), host.context_size());
    tokens.erase(tokens.begin(), tokens.end() - n_token);
    sample.request.span = {0, n_token};
    sample.request.steering = steering;
    samples.push_back(std::move(sample));
  }
}

}  // namespace

CalibrationTexts calibration_samples(Host& host,
                                     const std::vector<Conversation>& conversations,
                                     const Steering& steering,
                                     const CalibrationOptions& options) {
  CalibrationTexts texts;
  Sampling sampling;
  sampling.seed = options.seed;
  sampling.n_max_token = options.n_reply_token;
  Prompts openings;
  if (conversations.empty()) {
    openings = render_evenly(host, everyday_questions(), options, texts);
    const int64_t n_page = std::min<int64_t>(64, options.n_max_token / (4 * options.n_reply_token));
    add_blank_pages(host, n_page, openings);
    sampling.temperature = 1.0F;
  } else {
    openings = render_evenly(host, conversations, options, texts);
  }
  std::vector<FitSample> plain;
  std::vector<FitSample> steered;
  answer(host, openings, {}, sampling, plain);
  answer(host, openings, steering, sampling, steered);
  for (size_t i = 0; i < plain.size(); ++i) {
    texts.samples.push_back(std::move(plain[i]));
    texts.samples.push_back(std::move(steered[i]));
  }
  return texts;
}

}  // namespace mascing
