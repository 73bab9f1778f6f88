// Every conversation of the test split: filters, a list, and the chosen one with both replies side by side. Folded until
// the reader asks for it, or follows a link to a conversation.
import {
  displayName,
  kindNames,
  kinds,
  kindsOf,
  linkTo,
  requestOf,
  type Kind,
  type Message,
  type Side,
  type Transcript,
  type Transcripts,
} from "./data";
import { el, excerpt, safeText } from "./dom";
import { marginView } from "./margin_view";
import { tokenView } from "./token_view";
import { VirtualList } from "./virtual_list";
import { compareWords } from "./word_diff";

const rowHeight = 60;

interface Entry {
  row: Transcript;
  kinds: Set<Kind>;
  text: string; // what a search looks through, in small letters
}

interface Filter {
  set: string; // "" = all
  kind: Kind | "";
  words: string;
}

function entryOf(row: Transcript): Entry {
  const messages = row.messages.map((message) => message.content).join("\n");
  const text = [row.id, row.topic ?? "", row.category ?? "", messages, row.base.reply, row.steered?.reply ?? ""].join("\n");
  return { row, kinds: kindsOf(row), text: text.toLowerCase() };
}

function tags(entry: Entry): HTMLElement[] {
  return kinds
    .filter((kind) => entry.kinds.has(kind))
    .map((kind) => el("span", { class: `tag ${kind}` }, kindNames[kind]));
}

function drawRow(entry: Entry): Node[] {
  return [
    el("div", { class: "row-text" }, excerpt(requestOf(entry.row), 120) || "(no text)"),
    el(
      "div",
      { class: "row-facts" },
      el("span", {}, displayName(entry.row.metric)),
      ...tags(entry),
    ),
  ];
}

// ---------------------------------------------------------------- one conversation

function messageList(messages: Message[]): HTMLElement {
  return el(
    "ol",
    { class: "messages" },
    ...messages.map((message) =>
      el("li", {}, el("span", { class: "role" }, message.role), el("div", { class: "text" }, safeText(message.content))),
    ),
  );
}

function verdictText(side: Side): string {
  if (side.error) return `no verdict: ${side.error}`;
  const parts = [side.verdict, side.coherent ? "" : "incoherent", side.cut_off ? "cut off" : ""];
  return parts.filter((part) => part !== "").join(", ");
}

function sideBox(name: string, side: Side, reply: DocumentFragment, reasoning?: DocumentFragment): HTMLElement {
  const opinions = Object.entries(side.opinions ?? {});
  const wanted = el("span", { class: side.wanted ? "as-wanted" : "not-wanted" }, side.wanted ? "as wanted" : "not as wanted");
  return el(
    "section",
    { class: "side", "aria-label": name },
    el("h4", {}, name),
    el("p", { class: "side-verdict" }, excerpt(verdictText(side), 300), side.error ? null : " \u00b7 ", side.error ? null : wanted),
    opinions.length > 0 &&
      el(
        "ul",
        { class: "opinions" },
        ...opinions.map(([judge, verdict]) => el("li", {}, `${excerpt(judge, 60)}: ${verdict}`)),
      ),
    side.messages && el("details", {}, el("summary", {}, "As this side was asked"), messageList(side.messages)),
    side.reasoning &&
      el("details", {}, el("summary", {}, "Reasoning"), el("div", { class: "text" }, reasoning ?? safeText(side.reasoning))),
    el("div", { class: "text reply" }, side.reply ? reply : el("em", {}, "(empty)")),
  );
}

/// `token`: of its routing, to be shown at once.
function detailOf(entry: Entry, token?: number): HTMLElement {
  const { row } = entry;
  const reasoning = row.steered && compareWords(row.base.reasoning ?? "", row.steered.reasoning ?? "");
  const replies = row.steered
    ? compareWords(row.base.reply, row.steered.reply)
    : { base: safeText(row.base.reply), steered: safeText(""), isComplete: true };
  const title = `${displayName(row.metric)} \u00b7 ${excerpt(row.id, 80)}`;
  return el(
    "article",
    { class: "detail-body" },
    el("h3", {}, title),
    el(
      "p",
      { class: "detail-facts" },
      `wanted: ${row.expected}`,
      row.category ? ` \u00b7 ${excerpt(row.category, 60)} ` : " ",
      ...tags(entry),
      el("a", { href: linkTo(row), class: "permalink" }, "link to this conversation"),
    ),
    messageList(row.messages),
    el(
      "div",
      { class: "sides" },
      sideBox("Without the mask", row.base, replies.base, reasoning?.base),
      row.steered && sideBox("With the mask", row.steered, replies.steered, reasoning?.steered),
    ),
    marginView(row),
    row.routing && tokenView(row.routing, token),
    !replies.isComplete && el("p", {}, "These replies are too long to compare word by word."),
  );
}

/// Long parts scroll: within reach of the keyboard, and the messages from the last one on, which was answered.
function settleScrolling(detail: HTMLElement): void {
  for (const box of detail.querySelectorAll<HTMLElement>(".messages, .reply")) {
    if (box.scrollHeight <= box.clientHeight) continue;
    box.tabIndex = 0;
    if (box.classList.contains("messages")) box.scrollTop = box.scrollHeight;
  }
}

// ---------------------------------------------------------------- the whole

class Browser {
  private readonly entries: Entry[];
  private readonly filter: Filter = { set: "", kind: "", words: "" };
  private readonly list: VirtualList<Entry>;
  private readonly detail = el("div", { class: "detail", tabindex: -1, role: "region", "aria-label": "Chosen conversation" });
  private readonly status = el("p", { class: "list-status", role: "status" });
  private readonly kindButtons = new Map<Kind | "", HTMLButtonElement>();
  private readonly setChoice = el("select", {});
  private readonly search = el("input", { type: "search", placeholder: "words in requests and replies" });
  private isOpen = false;

  constructor(
    private readonly home: HTMLElement,
    private readonly data: Transcripts,
  ) {
    this.entries = data.rows.map(entryOf);
    this.list = new VirtualList<Entry>({
      label: "Conversations",
      rowHeight,
      draw: drawRow,
      choose: (entry) => this.choose(entry),
    });
    this.drawNotice();
    window.addEventListener("hashchange", () => this.follow());
    this.follow();
  }

  private drawNotice(): void {
    const button = el("button", { type: "button", class: "reveal" }, `Show ${this.entries.length} conversations`);
    button.addEventListener("click", () => {
      this.open();
      this.list.element.focus();
    });
    const notice =
      "These are requests meant to test a model, and what it said to them. Some may be offensive, harmful or wrong.";
    this.home.replaceChildren(el("div", { class: "content-notice" }, el("p", {}, notice), button), this.printNote(0));
  }

  private open(): void {
    if (this.isOpen) return;
    this.isOpen = true;
    const browser = el("div", { class: "browser" }, this.list.element, this.detail);
    this.home.replaceChildren(this.filterForm(), this.status, browser, this.sizeNote(), this.printNote(1));
    this.update();
  }

  /// Paper has no list to choose from.
  private printNote(nPrinted: number): Node {
    const words = `${nPrinted} of ${this.entries.length} conversations printed; the page has all of them on a screen.`;
    return el("p", { class: "print-note" }, words);
  }

  private sizeNote(): Node {
    const { left_out, shortened } = this.data;
    const parts = [
      left_out > 0 ? `${left_out} conversations are not on this page, because it would be too large` : "",
      shortened > 0 ? `${shortened} long texts are cut` : "",
    ].filter((part) => part !== "");
    return parts.length > 0
      ? el("p", { class: "size-note" }, `${parts.join("; ")}. transcripts.jsonl beside this page has everything.`)
      : document.createTextNode("");
  }

  private filterForm(): HTMLElement {
    const sets = [...new Set(this.entries.map((entry) => entry.row.metric))];
    this.setChoice.replaceChildren(
      el("option", { value: "" }, "all sets"),
      ...sets.map((set) => el("option", { value: set }, displayName(set))),
    );
    this.setChoice.addEventListener("change", () => this.set({ set: this.setChoice.value }));
    this.search.addEventListener("input", () => this.set({ words: this.search.value }));
    const buttons: HTMLElement[] = [];
    for (const kind of ["", ...kinds] as const) {
      const button = el("button", { type: "button", "data-kind": kind || "all" });
      button.addEventListener("click", () => this.set({ kind }));
      this.kindButtons.set(kind, button);
      buttons.push(button);
    }
    return el(
      "div",
      { class: "filters", role: "search" },
      el("label", {}, "Set ", this.setChoice),
      el("div", { class: "kinds", role: "group", "aria-label": "Which conversations" }, ...buttons),
      el("label", {}, "Search ", this.search),
    );
  }

  private set(change: Partial<Filter>): void {
    Object.assign(this.filter, change);
    const query = new URLSearchParams();
    if (this.filter.set) query.set("set", this.filter.set);
    if (this.filter.kind) query.set("show", this.filter.kind);
    if (this.filter.words) query.set("find", this.filter.words);
    history.replaceState(null, "", `#conversations?${query.toString()}`);
    this.update();
  }

  /// The conversations that pass the set and the search; `kind` decides last, so that its counts can be shown.
  private candidates(): Entry[] {
    const words = this.filter.words.toLowerCase().split(/\s+/).filter((word) => word !== "");
    return this.entries.filter(
      (entry) =>
        (this.filter.set === "" || entry.row.metric === this.filter.set) &&
        words.every((word) => entry.text.includes(word)),
    );
  }

  private update(): void {
    const candidates = this.candidates();
    for (const [kind, button] of this.kindButtons) {
      const n = kind === "" ? candidates.length : candidates.filter((entry) => entry.kinds.has(kind)).length;
      button.replaceChildren(kind === "" ? "all " : `${kindNames[kind]} `, el("b", {}, String(n)));
      button.setAttribute("aria-pressed", String(this.filter.kind === kind));
    }
    const { kind } = this.filter;
    const shown = kind === "" ? candidates : candidates.filter((entry) => entry.kinds.has(kind));
    this.setChoice.value = this.filter.set;
    if (this.search.value !== this.filter.words) this.search.value = this.filter.words;
    this.status.textContent = `${shown.length} of ${this.entries.length} conversations`;
    this.list.show(shown);
    const first = shown[0];
    if (first) {
      this.list.mark(first);
      this.showDetail(first);
    } else {
      this.detail.replaceChildren(el("p", {}, "No conversation matches."));
    }
  }

  private showDetail(entry: Entry, token?: number): void {
    this.detail.replaceChildren(detailOf(entry, token));
    settleScrolling(this.detail);
  }

  private choose(entry: Entry): void {
    history.replaceState(null, "", linkTo(entry.row));
    this.showDetail(entry);
  }

  /// Goes where the address points, if that is here.
  private follow(): void {
    const hash = location.hash;
    if (hash.startsWith("#conversations?")) {
      const query = new URLSearchParams(hash.slice("#conversations?".length));
      const show = query.get("show") ?? "";
      this.filter.set = query.get("set") ?? "";
      this.filter.kind = (kinds as readonly string[]).includes(show) ? (show as Kind) : "";
      this.filter.words = query.get("find") ?? "";
      this.open();
      this.update();
      this.home.scrollIntoView();
    } else if (hash.startsWith("#conversation/")) {
      this.followToOne(hash);
    }
  }

  private followToOne(hash: string): void {
    const [address, token] = hash.split("?token=");
    const entry = this.entries.find(({ row }) => linkTo(row) === address);
    this.open();
    if (!entry) {
      this.detail.replaceChildren(el("p", {}, "This page has no such conversation."));
      return;
    }
    if (!this.candidates().includes(entry) || this.filter.kind !== "") {
      Object.assign(this.filter, { set: "", kind: "", words: "" });
      this.update();
    }
    this.list.mark(entry);
    this.showDetail(entry, token === undefined ? undefined : Number(token));
    (this.detail.querySelector(".token[data-at]") ?? this.home).scrollIntoView();
  }
}

export function showConversations(data: Transcripts | null): void {
  const home = document.getElementById("conversations-app");
  if (home && data && data.rows.length > 0) new Browser(home, data);
}
