// Stores only the offsets of lines, so memory does not grow with their content.
#include "measure/rollout_journal.h"

#include <functional>
#include <optional>
#include <string_view>

#include <nlohmann/json.hpp>

#include "base/files.h"
#include "base/mapped_file.h"
#include "base/sha256.h"
#include "format/json_text.h"
#include "mascing/conversation_file.h"
#include "mascing/error.h"

namespace mascing {
namespace {

using nlohmann::json;

std::string json_line(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

constexpr std::string_view kSumBegin = ",\"sum\":\"";
constexpr std::string_view kSumEnd = "\"}";
constexpr size_t kSumDigits = 16;

/// The last member of a line: a checksum of the object without it.
std::string with_sum(std::string line) {
  const std::string sum = sha256_hex(line).substr(0, kSumDigits);
  line.pop_back();
  return line.append(kSumBegin).append(sum).append(kSumEnd);
}

/// The line without its checksum, or nothing if they disagree. Lines of earlier versions have none.
std::optional<std::string> without_sum(std::string_view line) {
  constexpr size_t kSumBytes = kSumBegin.size() + kSumDigits + kSumEnd.size();
  const size_t begin = line.size() < kSumBytes ? line.size() : line.size() - kSumBytes;
  if (line.substr(begin, kSumBegin.size()) != kSumBegin) {
    return std::string(line);
  }
  std::string plain = std::string(line.substr(0, begin)) + "}";
  return with_sum(plain) == line ? std::optional(std::move(plain)) : std::nullopt;
}

std::string line_of(int64_t i, const Rollout& rollout) {
  if (!rollout.ok()) {
    return json_line({{"i", i},
                      {"id", rollout.row.id},
                      {"error", rollout.error},
                      {"unjudged", rollout.is_unjudged},
                      {"unfinished", rollout.is_unfinished}});
  }
  return json_line(
      {{"i", i}, {"limit", rollout.hit_limit}, {"row", json::parse(to_jsonl(rollout.row))}});
}

/// The key of a header line, or empty.
std::string key_of(std::string_view line) {
  const json header = parse_json_or_discard(line);
  const bool is_header = header.is_object() && header.value("kind", json()) == "mascing.collect" &&
                         header.contains("key") && header.at("key").is_string();
  return is_header ? header.at("key").get<std::string>() : "";
}

/// Content of a line about a conversation.
struct Entry {
  int64_t i = 0;
  bool is_final = true;  // false if a judge failed; the conversation is then repeated
};

/// Nothing unless the line is a complete record of one of `n_script` conversations.
std::optional<Entry> entry_of(std::string_view line, size_t n_script) {
  const std::optional<std::string> plain = without_sum(line);
  const json record = plain ? parse_json_or_discard(*plain) : json();
  if (!record.is_object() || !record.contains("i") || !record.at("i").is_number_unsigned() ||
      record.at("i").get<uint64_t>() >= n_script) {
    return std::nullopt;
  }
  const auto has = [&](const char* key, bool (json::*is)() const) {
    return record.contains(key) && (record.at(key).*is)();
  };
  const bool is_row = has("row", &json::is_object) && has("limit", &json::is_boolean) &&
                      record.at("row").value("label", json()).is_number_integer();
  const bool is_error = has("error", &json::is_string) && has("id", &json::is_string);
  if (!is_row && !is_error) {
    return std::nullopt;
  }
  const bool is_unjudged = is_error && record.value("unjudged", json()) == true;
  return Entry{record.at("i").get<int64_t>(), !is_unjudged};
}

/// Calls `use` with offset and text of every whole line after the first. Returns the bytes up to
/// the end of the last one.
size_t for_each_record(std::string_view bytes,
                       const std::function<void(int64_t, std::string_view)>& use) {
  size_t at = bytes.find('\n');
  at = at == std::string_view::npos ? bytes.size() : at + 1;
  while (at < bytes.size()) {
    const size_t end = bytes.find('\n', at);
    if (end == std::string_view::npos) {
      break;
    }
    use(static_cast<int64_t>(at), bytes.substr(at, end - at));
    at = end + 1;
  }
  return at;
}

}  // namespace

RolloutJournal::RolloutJournal(const std::string& path, const std::string& header, int64_t n_script)
    : path_(path), key_(key_of(header)), file_(path), places_(n_script) {
  const MappedFile mapped(path);
  const std::string_view bytes = mapped.bytes();
  const size_t n_first = bytes.find('\n');
  if (n_first == std::string_view::npos) {  // new, or interrupted while writing the first line
    file_.truncate(0);
    file_.append(header + "\n");
    return;
  }
  if (key_of(bytes.substr(0, n_first)) != key_) {
    throw Error(ErrorKind::kUsage,
                "[collect] '" + path + "' was started with other conversations, options or model",
                "delete it to start over, or set another output with -o");
  }
  const size_t n_whole = for_each_record(bytes, [&](int64_t offset, std::string_view line) {
    const auto entry = entry_of(line, places_.size());
    if (entry && entry->is_final && !has(entry->i)) {
      places_[entry->i] = {offset, std::ssize(line)};
    }
  });
  file_.truncate(static_cast<int64_t>(n_whole));
}

bool RolloutJournal::add(int64_t i, const Rollout& rollout) {
  const std::string plain = line_of(i, rollout);
  Place& place = places_[i];
  if (place.n_byte > 0) {
    return without_sum(file_.read(place.offset, place.n_byte)) == plain;
  }
  const std::string line = with_sum(plain);
  const int64_t offset = file_.size();
  file_.append(line + "\n");
  place = {offset, std::ssize(line)};
  return true;
}

int64_t RolloutJournal::take_from(const std::string& path) {
  const MappedFile mapped(path);
  const std::string_view bytes = mapped.bytes();
  if (key_of(bytes.substr(0, bytes.find('\n'))) != key_) {
    throw Error(ErrorKind::kMismatch,
                "[collect] '" + path + "' and '" + path_ + "' belong to different collections",
                "all shards need the same conversations, model, threads and options");
  }
  int64_t n_new = 0;
  for_each_record(bytes, [&](int64_t /*offset*/, std::string_view line) {
    const auto entry = entry_of(line, places_.size());
    if (entry && entry->is_final && !has(entry->i)) {
      places_[entry->i] = {file_.size(), std::ssize(line)};
      file_.append(std::string(line) + "\n");
      ++n_new;
    }
  });
  return n_new;
}

RolloutJournal::Record RolloutJournal::record(int64_t i) const {
  const json line = json::parse(file_.read(places_[i].offset, places_[i].n_byte));
  Record record;
  if (line.contains("error")) {
    record.failure = {line.at("id").get<std::string>(), line.at("error").get<std::string>()};
    record.is_unfinished = line.value("unfinished", json()) == true;
    return record;
  }
  record.row = json_line(line.at("row"));
  record.label = line.at("row").at("label").get<int>();
  record.hit_limit = line.at("limit").get<bool>();
  record.has_cut_turn = line.at("row").contains("cut_turns");
  return record;
}

}  // namespace mascing
