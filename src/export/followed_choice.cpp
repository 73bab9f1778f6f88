// Reads the model's file.
#include "export/followed_choice.h"

#include <string>

#include "format/expert_choice.h"
#include "format/model_file.h"

namespace mascing {

FollowedChoice follow_choice(const ExportOptions& options) {
  const OpenModel model = open_model(options.model.path, false, options.codec);
  FollowedChoice followed{read_router_traits(model, options.codec), {}};
  RouterTraits& traits = followed.traits;
  const std::string reason = why_choice_unknown(traits, model.info.n_expert);
  if (!reason.empty()) {
    traits.selection_bias.clear();
    traits.n_group = 0;
    followed.warnings.push_back(
        {"choice_by_logits",
         "how this model chooses experts cannot be followed (" + reason +
             "): fit and check take those with the largest logits, and their shares of equal "
             "experts are estimates",
         "go by KL, replies and decisions of `mascing export --check`"});
  }
  return followed;
}

}  // namespace mascing
