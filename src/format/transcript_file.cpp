// Keys are written by hand and read back strictly, one conversation per line.
#include <cmath>
#include <filesystem>
#include <string_view>

#include <nlohmann/json.hpp>

#include "base/files.h"
#include "format/json_text.h"
#include "mascing/error.h"
#include "mascing/transcript.h"

namespace mascing {
namespace {

using nlohmann::json;

constexpr const char* kTranscriptHint =
    "transcripts.jsonl is written by `mascing run` and `mascing eval`; docs/results.md has its "
    "keys";

json messages_json(const std::vector<Message>& messages) {
  json list = json::array();
  for (const Message& message : messages) {
    list.push_back({{"role", message.role}, {"content", message.content}});
  }
  return list;
}

json side_json(const TranscriptSide& side) {
  json object = {{"reply", side.reply},
                 {"verdict", side.verdict},
                 {"wanted", side.is_wanted},
                 {"coherent", side.is_coherent}};
  if (!side.messages.empty()) {
    object["messages"] = messages_json(side.messages);
  }
  if (!side.reasoning.empty()) {
    object["reasoning"] = side.reasoning;
  }
  if (!side.opinions.empty()) {
    object["opinions"] = side.opinions;
  }
  if (side.is_cut_off) {
    object["cut_off"] = true;
  }
  if (!side.error.empty()) {
    object["error"] = side.error;
  }
  return object;
}

/// Four digits after the point; more would only make the file larger.
double shortened(double value) {
  constexpr double kSteps = 1e4;
  return std::round(value * kSteps) / kSteps + 0.0;  // no "-0.0"
}

json shortened(const std::vector<double>& values) {
  json list = json::array();
  for (const double value : values) {
    list.push_back(shortened(value));
  }
  return list;
}

json margins_json(const std::vector<TurnMargin>& margins) {
  json list = json::array();
  for (const TurnMargin& margin : margins) {
    list.push_back({{"message", margin.i_message},
                    {"base", shortened(margin.base)},
                    {"steered", shortened(margin.steered)}});
  }
  return list;
}

json routing_json(const TokenRouting& routing) {
  return {{"tokens", routing.tokens},
          {"change", shortened(routing.change)},
          {"gain", shortened(routing.gain)},
          {"left_out", routing.n_left_out},
          {"margins", margins_json(routing.margins)}};
}

/// JSON has no word for numbers that are not finite; they are written as null.
double number_from(const json& value) {
  return value.is_null() ? std::nan("") : value.get<double>();
}

std::vector<double> numbers_from(const json& list) {
  std::vector<double> numbers;
  for (const json& value : list.get_ref<const json::array_t&>()) {
    numbers.push_back(number_from(value));
  }
  return numbers;
}

std::vector<TurnMargin> margins_from(const json& list) {
  std::vector<TurnMargin> margins;
  for (const json& margin : list) {
    margins.push_back({margin.at("message").get<int64_t>(),
                       number_from(margin.at("base")),
                       number_from(margin.at("steered"))});
  }
  return margins;
}

TokenRouting routing_from(const json& object) {
  TokenRouting routing;
  routing.tokens = object.at("tokens").get<std::vector<std::string>>();
  routing.change = numbers_from(object.at("change"));
  routing.gain = numbers_from(object.at("gain"));
  routing.n_left_out = object.at("left_out").get<int64_t>();
  routing.margins = margins_from(object.value("margins", json::array()));
  if (routing.change.size() != routing.tokens.size() ||
      routing.gain.size() > routing.tokens.size()) {
    throw Error(ErrorKind::kBadInput, "the lists under \"routing\" differ in length");
  }
  return routing;
}

std::vector<Message> messages_from(const json& list) {
  std::vector<Message> messages;
  messages.reserve(list.size());
  for (const json& message : list) {
    messages.push_back(
        {message.at("role").get<std::string>(), message.at("content").get<std::string>()});
  }
  return messages;
}

TranscriptSide side_from(const json& object) {
  TranscriptSide side;
  side.reply = object.at("reply").get<std::string>();
  side.verdict = object.at("verdict").get<std::string>();
  side.is_wanted = object.at("wanted").get<bool>();
  side.is_coherent = object.at("coherent").get<bool>();
  side.messages = messages_from(object.value("messages", json::array()));
  side.reasoning = object.value("reasoning", "");
  side.opinions = object.value("opinions", std::map<std::string, std::string>());
  side.is_cut_off = object.value("cut_off", false);
  side.error = object.value("error", "");
  return side;
}

Transcript transcript_from(const json& row) {
  Transcript transcript;
  transcript.metric = row.at("metric").get<std::string>();
  transcript.id = row.at("id").get<std::string>();
  transcript.wanted = row.at("expected").get<std::string>();
  transcript.topic = row.value("topic", "");
  transcript.category = row.value("category", "");
  transcript.messages = messages_from(row.at("messages"));
  transcript.base = side_from(row.at("base"));
  if (row.contains("steered")) {
    transcript.steered = side_from(row.at("steered"));
  }
  if (row.contains("routing")) {
    transcript.routing = routing_from(row.at("routing"));
  }
  return transcript;
}

}  // namespace

std::string to_json_line(const Transcript& transcript) {
  json row = {{"metric", transcript.metric},
              {"id", transcript.id},
              {"expected", transcript.wanted},
              {"messages", messages_json(transcript.messages)},
              {"base", side_json(transcript.base)}};
  if (!transcript.topic.empty()) {
    row["topic"] = transcript.topic;
  }
  if (!transcript.category.empty()) {
    row["category"] = transcript.category;
  }
  if (transcript.steered) {
    row["steered"] = side_json(*transcript.steered);
  }
  if (transcript.routing) {
    row["routing"] = routing_json(*transcript.routing);
  }
  return row.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::string to_json_lines(const std::vector<Transcript>& transcripts) {
  std::string lines;
  for (const Transcript& transcript : transcripts) {
    lines.append(to_json_line(transcript)).push_back('\n');
  }
  return lines;
}

std::vector<Transcript> read_transcripts(const std::string& path) {
  const std::string content = read_text_file(path);
  std::vector<Transcript> transcripts;
  std::string_view rest = content;
  for (int64_t number = 1; !rest.empty(); ++number) {
    const size_t end = rest.find('\n');
    const std::string where = "[transcripts] " + path + ":" + std::to_string(number);
    const json row = parse_json(rest.substr(0, end), where, kTranscriptHint);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    try {
      transcripts.push_back(transcript_from(row));
    } catch (const json::exception&) {
      throw Error(ErrorKind::kBadInput,
                  where + ": a key is missing or has the wrong type",
                  kTranscriptHint);
    } catch (const Error& error) {
      throw Error(ErrorKind::kBadInput, where + ": " + error.what(), kTranscriptHint);
    }
  }
  return transcripts;
}

std::vector<Transcript> transcripts_beside(const std::string& results_path) {
  const std::string path =
      (std::filesystem::path(results_path).parent_path() / "transcripts.jsonl").string();
  return file_exists(path) ? read_transcripts(path) : std::vector<Transcript>();
}

}  // namespace mascing
