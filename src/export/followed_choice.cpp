// Reads the model's file.
#include "export/followed_choice.h"

#include <utility>

#include "format/model_choice.h"
#include "format/model_file.h"

namespace mascing {

FollowedChoice follow_choice(const ExportOptions& options) {
  const OpenModel model = open_model(options.model.path, false, options.codec);
  FollowedTraits found = follow_traits(model, options.codec);
  FollowedChoice followed{std::move(found.traits), {}};
  if (!found.why_not.empty()) {
    followed.warnings.push_back(
        {"choice_by_logits",
         "how this model chooses experts cannot be followed (" + found.why_not +
             "): fit and check take those with the largest logits, and their shares of equal "
             "experts are estimates",
         "go by KL, replies and decisions of `mascing export --check`"});
  }
  return followed;
}

}  // namespace mascing
