// What the terminal shows of an exported form.
#pragma once

#include <vector>

#include "mascing/export_quality.h"
#include "mascing/export_result.h"
#include "mascing/mask.h"

namespace mascing::cli {

/// One line a layer: how, how near.
void print_fit(const std::vector<LayerFit>& layers);

/// What a check found; nothing if nothing was compared.
void print_check(const ExportResult& check);

/// The largest of them; at least one.
void print_losses(const std::vector<RoundingLoss>& losses);

/// One line a layer: experts, strength, and what of the mask's row they keep.
void print_two_levels(const std::vector<EasySteerLayer>& layers, const Mask& mask);

}  // namespace mascing::cli
