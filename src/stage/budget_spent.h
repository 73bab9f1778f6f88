// How a stage learns that its budget is spent while the model is being asked.
#pragma once

#include "mascing/error.h"

namespace mascing {

/// Thrown by a stage's AskModel or AskGradients. A stage that has measured enough to go on returns
/// what it has; otherwise it reaches the user.
class BudgetSpent : public Error {
 public:
  BudgetSpent()
      : Error(ErrorKind::kInsufficient,
              "[search] the budget was spent before the first mask could be made",
              "raise --budget; answers so far are kept") {}
};

}  // namespace mascing
