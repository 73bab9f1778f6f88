// Charts by Observable Plot: drawn as wide as their place is, and again when that changes, so that words keep their size on
// a phone. Colours are the page's, which knows dark from light. The map of layers and experts (heat_map.ts) is our own:
// thousands of squares belong on a canvas, and Plot draws SVG.
import { plot, type PlotOptions } from "@observablehq/plot";
import { el } from "./dom";

const usualWidth = 860;

export interface Chart {
  readonly element: HTMLElement;
  /// Draws again, for what has changed other than the width.
  redraw(): void;
}

/// The chart is drawn when it comes near the view, or before the page is printed.
/// `options` gives the chart for a width in pixels; `after` gets what was drawn.
export function chartOf(
  look: string,
  words: string,
  options: (width: number) => PlotOptions,
  after?: (picture: SVGSVGElement, scaleOf: (name: "x" | "y", value: number) => number) => void,
): Chart {
  const element = el("div", { class: `chart ${look}` });
  let width = usualWidth;
  let isNear = false;
  const redraw = (): void => {
    if (!isNear) return;
    const drawn = plot({ width, className: "drawn", style: { background: "none" }, ariaLabel: words, ...options(width) });
    // Plot puts nothing around a picture without title and legends.
    const picture = drawn as unknown as SVGSVGElement;
    picture.setAttribute("role", "img");
    // The picture has a name; its groups need none of their own.
    picture.querySelectorAll("g[aria-label]").forEach((group) => group.removeAttribute("aria-label"));
    element.replaceChildren(picture);
    after?.(picture, (name, value) => Number(drawn.scale(name)?.apply(value)));
  };
  new ResizeObserver(() => {
    requestAnimationFrame(() => {
      const now = Math.round(element.clientWidth);
      if (now === 0 || now === width) return;
      width = now;
      redraw();
    });
  }).observe(element);
  // The height is kept free, so that nothing jumps when the picture comes.
  element.style.minHeight = `${options(width).height ?? 0}px`;
  const draw = (): void => {
    if (isNear) return;
    isNear = true;
    nearness.disconnect();
    width = Math.round(element.clientWidth) || width;
    redraw();
    element.style.minHeight = "";
  };
  const nearness = new IntersectionObserver((entries) => {
    if (entries.some((entry) => entry.isIntersecting)) draw();
  }, { rootMargin: "600px" });
  nearness.observe(element);
  addEventListener("beforeprint", draw, { once: true });
  return { element, redraw };
}

/// The chart takes the place of the picture that a page without a script shows, and gets its name.
export function replacePicture(section: Element | null | undefined, element: HTMLElement): boolean {
  const fixed = section?.querySelector("svg");
  fixed?.replaceWith(element);
  return fixed !== null && fixed !== undefined;
}
