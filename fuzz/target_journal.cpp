// Journals of collections, and the answers that people and judges leave in files. A journal that
// another process left behind is opened, read, and opened once more: what was cut off stays cut
// off.
#include "base/files.h"
#include "fuzz.h"
#include "judge/answer_key.h"
#include "judge/known_exchanges.h"
#include "measure/labelled_replies.h"
#include "measure/rollout_journal.h"

namespace mascing::fuzz {

namespace {

constexpr const char* kHeader = R"({"kind": "mascing.collect", "key": "k"})";
constexpr int64_t kScripts = 4;

std::string small_journal() {
  const ScratchFolder folder;
  Rollout rollout;
  rollout.row.id = "owl";
  rollout.row.messages = {{"user", "Sing"}, {"assistant", "La"}, {"user", "Again"}};
  rollout.row.reply = "La la";
  {
    RolloutJournal journal(folder.path("j"), kHeader, kScripts);
    (void)journal.add(0, rollout);
    (void)journal.add(2, rollout);
    journal.sync();
  }
  return read_text_file(folder.path("j"));
}

void read_journal(const std::string& path) {
  for (int round = 0; round < 2; ++round) {
    RolloutJournal journal(path, kHeader, kScripts);
    for (int64_t i = 0; i < kScripts; ++i) {
      if (journal.has(i)) {
        (void)journal.record(i);
      }
    }
  }
}

}  // namespace

std::vector<std::string> seeds() {
  return {"J" + small_journal(),
          "K{\"messages\": [{\"role\": \"user\", \"content\": \"Sing\"}], \"reply\": \"La\", "
          "\"verdict\": \"answered\"}\n",
          "L{\"prompt\": \"Sing\", \"response\": \"No\", \"label\": \"refused\"}\n",
          "Lprompt,response,final_label\nSing,La,1_full_compliance\n"};
}

std::vector<std::string> words() {
  return {"\"key\": \"k\"",
          "\"i\": ",
          "\"row\": {",
          "\"error\": ",
          "\"sum\": \"",
          "\"unjudged\": true",
          "\"limit\": ",
          "\"id\": ",
          "\n",
          "refused",
          "answered",
          "-1",
          "9223372036854775807"};
}

void try_input(std::string_view input) {
  const char kind = kind_of(input);
  const std::string_view rest = rest_of(input);
  static const ScratchFolder folder;
  const std::string path = folder.path("input");
  write_plainly(path, rest);
  expect_value_or_error([&] {
    if (kind == 'J') {
      read_journal(path);
    } else if (kind == 'K') {
      (void)read_known_exchanges(path);
    } else {
      (void)read_labelled_replies(path);
    }
  });
}

}  // namespace mascing::fuzz
