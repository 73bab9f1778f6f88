// Adds to the page what needs a script: contents, conversations, the routing map, the trade-off, sorting. Without it the
// page is complete but for the conversations.
import { addContents } from "./contents";
import { showConversations } from "./conversations";
import { embedded, type Results, type Transcripts } from "./data";
import { el } from "./dom";
import { fitTables } from "./fit_tables";
import { showLoop } from "./loop_chart";
import { showRateChart } from "./rate_chart";
import { showRateTable } from "./rate_table";
import { showRouting } from "./routing";
import { makeTablesSortable } from "./tables";
import { showTradeOff } from "./trade_off";

/// What is folded on the screen is unfolded on paper, but for replies and long tables.
function unfoldForPrint(): void {
  const opened: HTMLDetailsElement[] = [];
  addEventListener("beforeprint", () => {
    for (const details of document.querySelectorAll<HTMLDetailsElement>("main details:not([open], .long)")) {
      details.open = true;
      opened.push(details);
    }
  });
  addEventListener("afterprint", () => {
    for (const details of opened.splice(0)) details.open = false;
  });
}

function addCopyButton(command: HTMLElement): void {
  const button = el("button", { type: "button", class: "copy" }, "Copy");
  button.addEventListener("click", () => {
    const range = document.createRange();
    range.selectNodeContents(command);
    const selection = getSelection();
    selection?.removeAllRanges();
    selection?.addRange(range);
    void navigator.clipboard?.writeText(command.textContent ?? "").then(
      () => (button.textContent = "Copied"),
      () => (button.textContent = "Selected"),
    );
  });
  command.after(button);
}

const results = embedded<Results>("mascing-results");
if (results) showRateTable(results);
addContents();
makeTablesSortable();
if (results) {
  showRouting(results);
  showTradeOff(results);
  showRateChart(results);
  showLoop(results);
}
showConversations(embedded<Transcripts>("mascing-transcripts"));
fitTables();
document.querySelectorAll<HTMLElement>("pre.command").forEach(addCopyButton);
unfoldForPrint();
