// The tokens that an expert gained or lost by the mask, with the text around them.
import { displayName, linkTo, type Routing } from "./data";
import { el, excerpt, safeText, shortNumber } from "./dom";
import type { Cell } from "./heat_map";

export class ExpertTokens {
  readonly element = el("div", { class: "expert-tokens", role: "region", "aria-label": "Tokens of the chosen expert", "aria-live": "polite" });
  private readonly byExpert = new Map<string, Routing["experts"][number]["tokens"]>();

  constructor(private readonly routing: Routing) {
    for (const { layer, expert, tokens } of routing.experts) this.byExpert.set(`${layer}/${expert}`, tokens);
    this.element.append(el("p", { class: "map-axis choose-expert" }, "Choose an expert, with a click or the enter key, for the tokens where its routing changed most."));
  }

  show({ layer, expert }: Cell): void {
    const tokens = this.byExpert.get(`${layer}/${expert}`) ?? [];
    const title = `Layer ${layer}, expert ${expert}: tokens where its routing changed most`;
    this.element.replaceChildren(
      el("h3", {}, title),
      tokens.length > 0 ? el("ul", { class: "places" }, ...tokens.map((moved) => this.row(moved))) : el("p", {}, this.nothing()),
    );
  }

  private nothing(): string {
    const n = this.routing.experts_left_out;
    return (
      "No token is listed that was sent to it on one side only." +
      (n > 0 ? ` The tokens of ${n} experts with smaller differences are not on this page, because it would be too large.` : "")
    );
  }

  private row({ place, gained, change }: { place: number; gained: boolean; change: number }): HTMLElement {
    const found = this.routing.places[place];
    if (!found) return el("li", {}, "(missing)");
    const side = gained ? "only with the mask" : "only without the mask";
    const link = `${linkTo(found)}?token=${found.token_index}`;
    return el(
      "li",
      {},
      el("span", { class: "place-text text" }, safeText(found.before), el("mark", {}, safeText(found.token)), safeText(found.after)),
      el("span", { class: "place-facts" }, `${side}, share of the router ${change > 0 ? "+" : ""}${shortNumber(change)} \u00b7 `, el("a", { href: link }, `${displayName(excerpt(found.metric, 40))} ${excerpt(found.id, 60)}`)),
    );
  }
}
