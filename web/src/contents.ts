// A table of contents that stays in view and marks the section being read.
import { el } from "./dom";

export function addContents(): void {
  const main = document.querySelector("main");
  const heads = [...document.querySelectorAll<HTMLHeadingElement>("main h2[id]")];
  if (!main || heads.length < 2) return;
  const links = new Map<Element, HTMLAnchorElement>();
  const list = el("ul");
  for (const head of heads) {
    const words = (head.textContent ?? "").replace(/:.*/, "");
    const link = el("a", { href: `#${head.id}` }, words);
    links.set(head, link);
    list.append(el("li", {}, link));
  }
  const folded = el("details", { class: "contents-fold" }, el("summary", {}, "Contents"), list);
  const nav = el("nav", { class: "contents", "aria-label": "Contents" }, folded);
  main.before(nav);
  document.body.classList.add("has-contents");

  const wide = matchMedia("(min-width: 75rem)");
  const fit = (): void => {
    folded.open = wide.matches;
  };
  wide.addEventListener("change", fit);
  fit();
  list.addEventListener("click", () => {
    if (!wide.matches) folded.open = false;
  });

  const inView = new Set<Element>();
  const observer = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (entry.isIntersecting) inView.add(entry.target);
      else inView.delete(entry.target);
    }
    const now = heads.find((head) => inView.has(head));
    if (!now) return; // between two headings the last mark stays
    for (const [head, link] of links) {
      if (head === now) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
  });
  heads.forEach((head) => observer.observe(head));
}
