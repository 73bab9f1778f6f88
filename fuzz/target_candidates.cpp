// What a run finds in its folder of candidates and in its cache: the first byte says whether the
// rest is a surrogate ('S'), its cross-validation ('V'), a mask ('M') or an entry of the cache
// ('C'). What is not believed is made again, so that nothing here may fail; a surrogate that is
// believed is steered through, which may refuse it.
#include <algorithm>
#include <filesystem>
#include <functional>

#include "base/files.h"
#include "fuzz.h"
#include "measure/cache.h"
#include "search/mask_maker.h"

namespace mascing::fuzz {

namespace {

constexpr const char* kKey = "owls";

/// The candidates of six short traces, and one entry of the cache. All take the least of work.
struct Candidates {
  ScratchFolder folder;
  ScratchFolder cache_folder;
  std::vector<uint16_t> logits;
  Scenario scenario;
  Cache cache;
  MaskMaker maker;
  Trained trained;
  std::string surrogate;
  std::string validation;
  std::string mask;
  std::string entry;

  Candidates()
      : logits(numbers()),
        scenario(cheap_scenario()),
        cache(cache_folder.path(), "fuzz"),
        maker(traces(), scenario, 1, folder.path()) {
    surrogate = made_by([&] { trained = maker.train(0, {}); });
    validation = made_by([&] { (void)maker.cross_validate(trained, {}); });
    mask = made_by([&] { (void)maker.mean_difference_mask(); });
    cache.put(kKey, "[0.5, null]");
    entry = std::filesystem::directory_iterator(cache_folder.path())->path().string();
  }

  static std::vector<uint16_t> numbers() {
    std::vector<uint16_t> all;
    for (size_t i = 0; i < size_t{6} * 2 * 3; ++i) {
      all.push_back(static_cast<uint16_t>(0x3C00U + 97U * i % 1024U));
    }
    return all;
  }
  static Scenario cheap_scenario() {
    Scenario cheap;
    cheap.name = "tiny";
    cheap.train.n_proj = 1;
    cheap.train.n_hidden = 1;
    cheap.train.n_epoch = 1;
    cheap.train.validation_share = 0.0;
    return cheap;
  }
  [[nodiscard]] TraceSet traces() const {
    TraceSet set;
    set.architecture = "qwen3moe";
    set.fingerprint = "f00d";
    set.n_layer = 2;
    set.n_expert = 3;
    set.n_expert_used = 1;
    set.blocks = {0, 1};
    for (int i = 0; i < 6; ++i) {
      const std::string name = std::to_string(i);
      set.traces.push_back({name, "topic-" + name, "owls", i % 2, 1, logits.data() + 6 * i});
    }
    return set;
  }

  /// The file that `work` adds to the folder.
  [[nodiscard]] std::string made_by(const std::function<void()>& work) const {
    std::vector<std::string> before = files();
    work();
    for (const std::string& file : files()) {
      if (std::find(before.begin(), before.end(), file) == before.end()) {
        return file;
      }
    }
    throw std::logic_error("nothing was made");
  }
  [[nodiscard]] std::vector<std::string> files() const {
    std::vector<std::string> all;
    for (const auto& found : std::filesystem::directory_iterator(folder.path())) {
      all.push_back(found.path().string());
    }
    return all;
  }
};

const Candidates& candidates() {
  static const Candidates only;
  return only;
}

/// Through the surrogate of the folder, whatever its shape and weights.
void steer_through(const Trained& trained) {
  SteerCell cell;
  cell.options.n_epoch = 1;
  cell.options.validation_share = 0.0;
  const std::vector<std::string> before = candidates().files();
  expect_value_or_error([&] { (void)candidates().maker.steer({trained}, {cell}, {}); });
  for (const std::string& file : candidates().files()) {
    if (std::find(before.begin(), before.end(), file) == before.end()) {
      std::filesystem::remove(file);  // or the next input would find it
    }
  }
}

}  // namespace

std::vector<std::string> seeds() {
  const Candidates& all = candidates();
  return {"S" + read_text_file(all.surrogate),
          "V" + read_text_file(all.validation),
          "M" + read_text_file(all.mask),
          "C" + read_text_file(all.entry)};
}

std::vector<std::string> words() {
  return {"\"report\":",
          "\\\"seed\\\":",
          "\\\"validation_auc\\\":",
          "\"folds\":",
          "\"auc\":",
          "\"warnings\":",
          "\"sum\":",
          "\"sum\"",
          "null",
          "[]",
          "1e999",
          "-1",
          "mascing.checksum",
          "mascing.sigma_rule",
          "\n"};
}

void try_input(std::string_view input) {
  const Candidates& all = candidates();
  const std::string_view rest = rest_of(input);
  const char kind = kind_of(input);
  const std::string& path = kind == 'S'   ? all.surrogate
                            : kind == 'V' ? all.validation
                            : kind == 'M' ? all.mask
                                          : all.entry;
  write_plainly(path, rest);
  if (kind == 'S') {
    steer_through(all.maker.train(0, {}));
  } else if (kind == 'V') {
    (void)all.maker.cross_validate(all.trained, {});
  } else if (kind == 'M') {
    require(all.maker.mean_difference_mask()->n_layer > 0, "a mask of no layer");
  } else {
    (void)all.cache.get(kKey);
  }
  const bool is_kept = read_text_file(path) == rest;
  last_outcome() = is_kept ? "accepted" : "made again";
}

}  // namespace mascing::fuzz
