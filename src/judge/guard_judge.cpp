// Sends prompts through a host and parses the first line of the answers.
#include "judge/guard_judge.h"

#include "base/mapped_file.h"
#include "base/sha256.h"
#include "format/model_file.h"
#include "judge/judge_text.h"
#include "judge/known_exchanges.h"
#include "mascing/error.h"

namespace mascing {

bool is_guard_template(const std::string& chat_template) {
  return chat_template.find("UNSAFE CONTENT CATEGORIES") != std::string::npos;
}

GuardJudge::GuardJudge(JudgeSpec spec, std::unique_ptr<Host> host, std::string file_hash)
    : spec_(std::move(spec)), host_(std::move(host)), file_hash_(std::move(file_hash)) {
  if (spec_.question.prompt.empty()) {
    uses_own_template_ = is_guard_template(host_->chat_template());
    spec_.question.prompt = guard_prompt();
  }
}

std::string GuardJudge::key() const {
  return sha256_hex("guard\n" + host_->describe().identity + '\n' + file_hash_ + '\n' +
                    (uses_own_template_ ? "template\n" : "prompt\n") +
                    question_key(spec_.question));
}

std::vector<int32_t> GuardJudge::tokens_of(const Exchange& exchange) const {
  if (uses_own_template_) {
    return host_->render_whole(judged_turns(exchange));
  }
  Conversation question;
  question.messages = {{"user", fill_prompt(spec_.question.prompt, exchange)}};
  return host_->render(question).tokens;
}

std::vector<Judgement> GuardJudge::judge(const std::vector<Exchange>& exchanges) {
  std::vector<Judgement> judgements(exchanges.size());
  std::vector<GenerateRequest> requests;
  std::vector<size_t> indices;
  for (size_t i = 0; i < exchanges.size(); ++i) {
    try {
      requests.push_back({tokens_of(exchanges[i]), {}, i});
      indices.push_back(i);
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::kBadInput) {
        throw;
      }
      judgements[i].error = error.what();
    }
  }
  const auto outcomes = host_->generate(requests, {0.0F, 0, spec_.question.n_max_token});
  for (size_t k = 0; k < indices.size(); ++k) {
    if (outcomes[k].ok()) {
      judgements[indices[k]] = judgement_of(outcomes[k].value.text, spec_.question);
    } else {
      judgements[indices[k]].error = outcomes[k].error;
    }
  }
  return judgements;
}

void GuardJudge::self_test() {
  check_known(*this, known_exchanges(spec_));
}

std::string sampled_hash(const std::string& path) {
  const std::vector<std::string> files = files_of_model(path);
  std::string hashes;
  for (const std::string& file : files) {
    hashes += sampled_sha256(MappedFile(file).bytes());
  }
  return files.size() == 1 ? hashes : sha256_hex(hashes);
}

}  // namespace mascing
