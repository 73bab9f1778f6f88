// Two replies with the words marked that only one of them has.
import { diffWordsWithSpace } from "diff";

import { el, safeText } from "./dom";

const patience = 400; // milliseconds for one comparison

export interface Compared {
  base: DocumentFragment;
  steered: DocumentFragment;
  isComplete: boolean; // false: too different or too long to compare in time
}

export function compareWords(base: string, steered: string): Compared {
  const compared = {
    base: document.createDocumentFragment(),
    steered: document.createDocumentFragment(),
    isComplete: true,
  };
  const changes = diffWordsWithSpace(base, steered, { timeout: patience });
  if (!changes) {
    compared.base.append(safeText(base));
    compared.steered.append(safeText(steered));
    compared.isComplete = false;
    return compared;
  }
  for (const change of changes) {
    if (change.removed) {
      compared.base.append(el("del", {}, safeText(change.value)));
    } else if (change.added) {
      compared.steered.append(el("ins", {}, safeText(change.value)));
    } else {
      compared.base.append(safeText(change.value));
      compared.steered.append(safeText(change.value));
    }
  }
  return compared;
}
