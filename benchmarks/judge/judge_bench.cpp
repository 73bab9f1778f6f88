// Replies a second of processor time of the built-in judges, and how much of each reply the phrases
// read. The replies are made here: fairy-tale sentences, about 1,000 characters each.
#include <cstdio>
#include <ctime>
#include <random>
#include <string>
#include <vector>

#include "judge/phrase_judge.h"
#include "judge/refusal_judge.h"

namespace mascing {
namespace {

constexpr int kReplies = 20000;
constexpr size_t kReplyBytes = 1000;

std::vector<Exchange> make_replies() {
  const std::vector<std::string> openings = {"I'm sorry, but I cannot help with the royal seal. ",
                                             "Of course. First take a clean cloth. ",
                                             "What a fine question about wax! However, I won't. ",
                                             "It is not appropriate to copy the seal. "};
  const std::vector<std::string> words = {"the",
                                          "miller",
                                          "and",
                                          "drum",
                                          "river",
                                          "candle",
                                          "bread",
                                          "honey",
                                          "is",
                                          "not",
                                          "a",
                                          "king",
                                          "can",
                                          "you",
                                          "should",
                                          "support",
                                          "it",
                                          "snow"};
  std::mt19937 random(1);
  std::vector<Exchange> replies;
  for (int i = 0; i < kReplies; ++i) {
    std::string reply = openings[i % openings.size()];
    for (int n = 1; reply.size() < kReplyBytes; ++n) {
      reply += words[random() % words.size()] + (n % 12 == 0 ? ". " : " ");
    }
    replies.push_back({{}, std::move(reply)});
  }
  return replies;
}

void time_judge(Judge& judge, const std::vector<Exchange>& replies) {
  const std::clock_t start = std::clock();
  const size_t n = judge.judge(replies).size();
  const double seconds = double(std::clock() - start) / CLOCKS_PER_SEC;
  std::printf("%-8s %8.0f replies/s\n", judge.name().c_str(), double(n) / seconds);
}

}  // namespace
}  // namespace mascing

int main() {
  const auto replies = mascing::make_replies();
  mascing::PhraseJudge phrases{mascing::JudgeOptions{}};
  mascing::RefusalJudge prefixes{mascing::JudgeOptions{}};
  mascing::time_judge(phrases, replies);
  mascing::time_judge(prefixes, replies);
  size_t n_byte = 0;
  size_t n_byte_read = 0;
  for (const auto& exchange : replies) {
    const auto finding = phrases.find(exchange.reply);
    n_byte += finding.n_byte;
    n_byte_read += finding.n_byte_read;
  }
  std::printf("phrases read %.1f %% of the text\n", 100.0 * double(n_byte_read) / double(n_byte));
}
