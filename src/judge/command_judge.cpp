// Exchanges JSON lines with a child process.
#include "judge/command_judge.h"

#include <algorithm>
#include <filesystem>
#include <sstream>

#include <nlohmann/json.hpp>

#include "base/child_process.h"
#include "base/sha256.h"
#include "base/text.h"
#include "format/json_text.h"
#include "judge/judge_text.h"
#include "mascing/error.h"

namespace mascing {
namespace {

using nlohmann::json;

constexpr size_t kExchangesPerCall = 16;

std::string to_line(const Exchange& exchange, size_t i) {
  json object = {{"id", std::to_string(i)}, {"reply", exchange.reply}, {"set", exchange.set}};
  object["messages"] = json::array();
  for (const Message& message : exchange.messages) {
    object["messages"].push_back({{"role", message.role}, {"content", message.content}});
  }
  return object.dump(-1, ' ', false, json::error_handler_t::replace) + '\n';
}

std::string text_under(const json& object, const char* key) {
  const bool has_text = object.is_object() && object.contains(key) && object.at(key).is_string();
  return has_text ? object.at(key).get<std::string>() : std::string();
}

Judgement parse_line(const std::string& line, size_t i) {
  Judgement judgement;
  std::string word = to_lower_ascii(trim(line));
  try {
    if (word.starts_with('{')) {
      const json object = parse_json(line, "[judge]", "");
      const std::string id = text_under(object, "id");
      if (!id.empty() && id != std::to_string(i)) {
        judgement.error = "its verdicts are out of order: id " + printable(id) + ", expected " +
                          std::to_string(i);
        return judgement;
      }
      word = text_under(object, "verdict");
    }
  } catch (const Error& error) {
    judgement.error = error.what();
    return judgement;
  }
  const std::optional<Verdict> verdict = verdict_of_word(word);
  if (verdict) {
    judgement.verdict = *verdict;
  } else {
    judgement.error = "no verdict in its line \"" + printable(line) + "\"";
  }
  return judgement;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) {
    if (!trim(line).empty()) {
      lines.push_back(line);
    }
  }
  return lines;
}

std::string why_worthless(const ChildResult& result, const JudgeSpec& spec, size_t n_line) {
  const std::string complaint =
      result.complaints.empty() ? "" : ": " + printable(trim(result.complaints), 200);
  if (result.has_timed_out) {
    return "it took longer than " + format_number(spec.timeout_s, 1) + " s" + complaint;
  }
  if (result.is_too_long) {
    return "its output is longer than verdicts can be" + complaint;
  }
  if (result.exit_code != 0) {
    return "it ended with exit code " + std::to_string(result.exit_code) + complaint;
  }
  const size_t n = lines_of(result.output).size();
  return n == n_line ? ""
                     : "it wrote " + std::to_string(n) + " lines for " + std::to_string(n_line) +
                           " exchanges" + complaint;
}

bool is_file(const std::string& path) {
  std::error_code error;
  return std::filesystem::is_regular_file(path, error);
}

/// Words of a line for the shell; quotes and backslashes as far as file names need them.
std::vector<std::string> shell_words(const std::string& line) {
  std::vector<std::string> words(1);
  char quote = 0;
  for (size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (quote == 0 && (c == '"' || c == '\'')) {
      quote = c;
    } else if (c == quote) {
      quote = 0;
    } else if (quote != '\'' && c == '\\' && i + 1 < line.size()) {
      words.back() += line[++i];
    } else if (quote == 0 && std::string_view(" \t\n;|&<>()`").find(c) != std::string_view::npos) {
      words.emplace_back();
    } else {
      words.back() += c;
    }
  }
  return words;
}

/// Files that a word of the command names: the word itself, or, where it is a line for the shell,
/// the words of that line, also behind a "=".
std::vector<std::string> files_in(const std::string& word) {
  if (is_file(word)) {
    return {word};
  }
  std::vector<std::string> files;
  for (const std::string& piece : shell_words(word)) {
    const std::string path = is_file(piece) ? piece : piece.substr(piece.rfind('=') + 1);
    if (is_file(path)) {
      files.push_back(path);
    }
  }
  return files;
}

}  // namespace

CommandJudge::CommandJudge(JudgeSpec spec, JudgeWatch watch)
    : spec_(std::move(spec)), watch_(std::move(watch)) {
  if (spec_.command.empty() || spec_.command.front().empty()) {
    throw Error(ErrorKind::kUsage,
                "[judge] '" + spec_.name + "' has no program to run",
                "set its command as a list, such as [\"python3\", \"judge.py\"]");
  }
}

std::string CommandJudge::key() const {
  Sha256 digest;
  digest.update("command");
  for (const std::string& word : spec_.command) {
    digest.update(std::to_string(word.size()) + ':' + word);
    for (const std::string& path : files_in(word)) {
      digest.update(sha256_file(path));
    }
  }
  return digest.hex();
}

std::vector<Judgement> CommandJudge::judge(const std::vector<Exchange>& exchanges) {
  std::vector<Judgement> judgements(exchanges.size());
  for (size_t i = 0; i < exchanges.size(); i += kExchangesPerCall) {
    const size_t n = std::min(kExchangesPerCall, exchanges.size() - i);
    judge_some(exchanges.data() + i, n, judgements.data() + i);
  }
  return judgements;
}

void CommandJudge::judge_some(const Exchange* first, size_t n, Judgement* judgements) const {
  std::string input;
  for (size_t i = 0; i < n; ++i) {
    input += to_line(first[i], i);
  }
  const ChildResult result = run_child(spec_.command, input, {spec_.timeout_s, n * 4096, watch_});
  const std::string error = why_worthless(result, spec_, n);
  const std::vector<std::string> lines = lines_of(result.output);
  for (size_t i = 0; i < n; ++i) {
    if (error.empty()) {
      judgements[i] = parse_line(lines[i], i);
    } else {
      judgements[i].error = error;
    }
  }
}

void CommandJudge::self_test() {
  check_known(*this, known_exchanges(spec_));
}

}  // namespace mascing
