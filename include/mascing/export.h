// A mask in the forms that other engines take: one call for each form. docs/export.md tells them
// apart and says how near each comes to the exact mask.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "mascing/conversation.h"
#include "mascing/export_quality.h"
#include "mascing/export_result.h"
#include "mascing/host.h"
#include "mascing/llama_host.h"
#include "mascing/mask.h"
#include "mascing/progress.h"
#include "mascing/warning.h"

namespace mascing {

struct Results;

/// Opens a model: open_llama_host, or a function of another engine.
using HostOpener = std::function<std::unique_ptr<Host>(const LlamaHostOptions&)>;

/// The change of the routers is fitted on a model, or read from an adapter that was fitted before.
struct ExportOptions {
  LlamaHostOptions model;  ///< of the mask; export_hf and export_lora need no model with an adapter
  HostOpener open_host;    ///< for the fit and for the check
  /// Encodes and decodes router tensors for export_gguf; null: F32, F16 and BF16 only. ggml_codec()
  /// knows the quantised types, too.
  const TensorCodec* codec = nullptr;
  std::string adapter;  ///< read the change from this adapter of the same mask; empty: fit it
  /// To learn router inputs from; empty: everyday questions and what the model writes by itself.
  std::vector<Conversation> conversations;
  int64_t rank = 16;            ///< of the change of a router, at most
  int64_t n_max_token = 24000;  ///< to fit and to measure on, at most
  uint64_t seed = 0;
  /// Conversations on which the exact mask and the exported form are compared; empty: no check.
  /// export_lora and export_gguf store the outcome in the file; export_hf cannot check.
  std::vector<Conversation> check;
  bool any_model = false;  ///< export_hf: do not insist that the folder is the mask's model
};

/// What was written, and how near it comes to the exact mask.
struct ExportReport {
  /// Written; the one to give to the engine comes first. export_hf: names within the folder.
  std::vector<std::string> files;
  std::vector<LayerFit> fit;               ///< of the layers that the mask touches
  std::vector<RoundingLoss> losses;        ///< export_gguf, export_hf: one per changed tensor
  std::optional<ExportResult> check;       ///< if conversations were given for it
  std::vector<std::string> linked;         ///< export_hf: files taken over as they are
  std::vector<std::string> skipped;        ///< export_hf: left out: other weights, hidden folders
  std::vector<EasySteerLayer> two_levels;  ///< export_easysteer
  std::vector<Warning> warnings;
};

/// An adapter on the routers, for llama.cpp and what is built on it. Its scale is the strength; the
/// mask is fitted at its own. Throws Error{kInsufficient} for a mask that changes nothing, and if
/// the check finds the adapter no better than no mask, Error{kUsage} without model and adapter and
/// for models on whose routers llama.cpp's adapters do nothing, Error{kMismatch} for a model or an
/// adapter of another mask, Error{kInterrupted}, and what opening and running the model throws.
ExportReport export_lora(const Mask& mask,
                         const std::string& output,
                         const ExportOptions& options,
                         const Progress& progress = {});

/// A copy of the model with the mask at its strength in its routers. A check needs room for a
/// second copy. One that fails leaves nothing behind. Throws as export_lora, and what
/// docs/export.md says of models that cannot take the change.
ExportReport export_gguf(const Mask& mask,
                         const std::string& output,
                         const ExportOptions& options,
                         const Progress& progress = {});

/// The same for the Hugging Face model in `folder`; writes a folder. Throws as export_lora,
/// Error{kUsage} if a check was asked for or `output` is in use, Error{kMismatch} for the folder of
/// another model.
ExportReport export_hf(const Mask& mask,
                       const std::string& folder,
                       const std::string& output,
                       const ExportOptions& options,
                       const Progress& progress = {});

/// A PEFT adapter (adapter_config.json, adapter_model.safetensors) on the routers of the Hugging
/// Face model in `folder`; writes a folder. At the mask's strength, fitted or read as in
/// export_lora. Throws as export_hf, and Error{kMismatch} where the model's routers are no linear
/// modules.
ExportReport export_peft(const Mask& mask,
                         const std::string& folder,
                         const std::string& output,
                         const ExportOptions& options,
                         const Progress& progress = {});

/// JSON for EasySteer, an extension of vLLM. Needs no model. Throws Error{kInsufficient} for a mask
/// that changes nothing.
ExportReport export_easysteer(const Mask& mask, const std::string& output);

/// Throws Error{kMismatch} unless `results`, read from `path`, are of the very mask.
void require_results_of(const Results& results, const std::string& path, const Mask& mask);

/// Puts what a check found into the results of the run that made the mask, in place of what stood
/// there for a file of this name.
void put_export(Results& results, ExportResult entry);

}  // namespace mascing
