// Four kinds of files can contain a mask, and each stores its origin differently.
#include "cli/mask_verify.h"

#include <filesystem>
#include <iostream>

#include "base/text.h"
#include "cli/export_tables.h"
#include "export/bake_gguf.h"
#include "export/bake_hf.h"
#include "export/check_form.h"
#include "export/lora.h"
#include "export/peft.h"
#include "format/gguf.h"
#include "format/model_file.h"
#include "mascing/error.h"
#include "mascing/llama_host.h"
#include "mascing/mask_file.h"
#include "mascing/steering.h"

namespace mascing::cli {
namespace {

void print_origin(const UpdateOrigin& origin) {
  std::cout << "scenario     " << origin.scenario << " (" << origin.direction << ")\n"
            << "model        " << origin.model_name << " (" << origin.architecture
            << ", fingerprint " << origin.fingerprint << ")\n"
            << "mask         " << origin.mask_hash << '\n'
            << "strength     " << format_number(origin.alpha, 3) << '\n'
            << "mascing      " << origin.tool_version << '\n';
}

void require_model(const UpdateOrigin& origin, const std::string& model) {
  if (model.empty()) {
    return;
  }
  const ModelInfo info = read_model_info(model, false, &ggml_codec());
  if (!have_same_routers({origin.architecture, origin.fingerprint, origin.routers},
                         {info.architecture, info.fingerprint, info.routers})) {
    throw Error(ErrorKind::kMismatch,
                "[verify] made for '" + origin.model_name + "' (" +
                    origin.fingerprint.substr(0, 12) + "), not for '" + info.name + "' (" +
                    info.fingerprint.substr(0, 12) + ")",
                other_model_hint(info));
  }
  std::cout << "fits         " << model << '\n';
}

/// For what says of no model that it belongs to it, or not so that a GGUF could be compared.
void refuse_model(const std::string& model) {
  if (!model.empty()) {
    throw Error(ErrorKind::kUsage,
                "[verify] -m is only compared with masks, adapters in GGUF and baked GGUF",
                "omit -m; for a folder the fingerprint tells the model");
  }
}

void verify_mask(const std::string& path, const std::string& model) {
  const Mask mask = read_mask(path);
  std::cout << "kind         mask\n";
  print_origin(origin_of(mask, mask.alpha));
  require_model(origin_of(mask, mask.alpha), model);
}

void verify_adapter(const std::string& path, const std::string& model) {
  const RouterUpdate update = read_lora(path);
  std::cout << "kind         LoRA adapter (scale = mask strength)\n";
  print_origin(update.origin);
  print_fit(layer_fits(update));
  print_check(entry_of(path, "lora", update));
  require_model(update.origin, model);
}

void verify_model(const std::string& path, const std::string& model) {
  const std::optional<BakeRecord> record = read_bake(path);
  if (!record) {
    refuse_model(model);
    std::cout << "kind         model without a baked mask\n";
    return;
  }
  std::cout << "kind         baked model\n";
  print_origin(record->update.origin);
  print_fit(layer_fits(record->update));
  print_check(entry_of(path, "gguf", record->update));
  std::cout << "routers      " << (record->is_intact ? "intact" : "changed after baking") << '\n'
            << "undo         "
            << (record->can_undo ? "possible: mascing mask unbake"
                                 : "not possible, original bytes are lost or other weights damaged")
            << (record->is_rest_checked ? "" : " (weights beside the routers are not checked)")
            << '\n'
            << std::flush;
  if (!record->is_intact) {
    throw Error(ErrorKind::kBadInput,
                "[verify] the routers of " + path + " differ from the baked ones",
                "the file was changed after `mascing export`; export it again");
  }
  require_model(record->update.origin, model);
}

void print_lines(const std::vector<std::string>& lines) {
  for (const std::string& line : lines) {
    std::cout << line << '\n';
  }
  std::cout << std::flush;
}

void verify_peft(const std::string& path, const PeftRecord& adapter) {
  if (!adapter.changed.empty()) {
    throw Error(ErrorKind::kBadInput,
                "[verify] " + adapter.changed + " in " + path + " is not as it was written",
                "the folder was changed after `mascing export`; export it again");
  }
  std::cout << (adapter.is_checked ? "files  intact\n"
                                   : "files  not checked: an earlier version wrote no hashes\n");
}

void verify_folder(const std::string& path, const std::string& model) {
  refuse_model(model);
  const PeftRecord adapter = describe_peft(path);
  if (!adapter.lines.empty()) {
    std::cout << "kind         PEFT adapter\n";
    print_lines(adapter.lines);
    verify_peft(path, adapter);
    return;
  }
  const HfRecord record = describe_hf_bake(path);
  std::cout << (record.lines.empty() ? "kind         folder without a baked mask\n"
                                     : "kind         baked Hugging Face folder\n");
  print_lines(record.lines);
  if (record.n_changed > 0) {
    throw Error(ErrorKind::kBadInput,
                "[verify] " + std::to_string(record.n_changed) + " routers in " + path +
                    " differ from the baked ones",
                "the folder was changed after `mascing export`; export it again");
  }
}

}  // namespace

void verify_file(const std::string& path, const std::string& model) {
  if (std::filesystem::is_directory(path)) {
    verify_folder(path, model);
    return;
  }
  const std::string type = GgufFile::open(path).get_string("general.type").value_or("model");
  if (type == "mascing.mask") {
    verify_mask(path, model);
  } else if (type == "adapter") {
    verify_adapter(path, model);
  } else {
    verify_model(path, model);
  }
}

}  // namespace mascing::cli
