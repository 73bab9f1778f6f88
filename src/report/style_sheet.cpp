// Plain CSS. Text has a contrast of at least 4.5 : 1 in both colour schemes, and no information is
// conveyed by colour alone.
#include "report/style_sheet.h"

namespace mascing {

namespace {

constexpr const char* kColours = R"css(
:root {
  color-scheme: light dark;
  --ground: #fbfaf7; --card: #ffffff; --ink: #1d2025; --quiet: #5a6069; --rule: #dcd9d2; --faint: #f1efe9;
  --accent: #0b5a9d; --neutral: #6d737c; --better: #17683f; --worse: #b3261e;
  --warn-ground: #fff5d9; --warn-rule: #b7791f; --warn-ink: #563b00; --below: #1f6fb4; --above: #cf6a12;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #15171b; --card: #1c1f24; --ink: #e9e7e3; --quiet: #a7adb6; --rule: #363a42; --faint: #23272d;
    --accent: #7cb9f5; --neutral: #9aa0a9; --better: #74d3a0; --worse: #ff938a;
    --warn-ground: #2f2711; --warn-rule: #d69e2e; --warn-ink: #f5e3b5; --below: #64aeee; --above: #f09a4a;
  }
}
)css";

constexpr const char* kStyleSheet = R"css(* { box-sizing: border-box; }
body {
  margin: 0; background: var(--ground); color: var(--ink);
  font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif;
}
main, header, footer { max-width: 62rem; margin: 0 auto; padding-inline: 1.5rem; }
header { padding-top: 3rem; }
.kicker { margin: 0; color: var(--quiet); font-size: .875rem; letter-spacing: .06em; text-transform: uppercase; }
h1 { margin: .35rem 0 .5rem; font-size: 2rem; line-height: 1.2; letter-spacing: -.015em; text-wrap: balance; }
.lead { margin: 0 0 1.5rem; color: var(--quiet); max-width: 46rem; }
h2 { margin: 0 0 .5rem; font-size: 1.25rem; letter-spacing: -.005em; }
section { margin: 2.75rem 0; }
section > p { max-width: 46rem; margin: .25rem 0 1rem; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(11rem, 1fr)); gap: .75rem; margin: 0; }
.tiles > div { background: var(--card); border: 1px solid var(--rule); border-radius: .5rem; padding: .8rem 1rem; }
.tiles dt { color: var(--quiet); font-size: .875rem; }
.tiles dd { margin: 0; font-size: 1.35rem; font-weight: 600; font-variant-numeric: tabular-nums; }
.tiles dd small { display: block; font-size: .875rem; font-weight: 400; color: var(--quiet); }
.warnings {
  background: var(--warn-ground); color: var(--warn-ink); border: 1px solid var(--warn-rule);
  border-left-width: .4rem; border-radius: .5rem; padding: 1rem 1.25rem;
}
.warnings ul { margin: 0; padding: 0; list-style: none; }
.warnings li + li { margin-top: .8rem; }
.warnings strong, .warnings span { display: block; }
.warnings code { font-size: .8125rem; }
.verdict { border: 1px solid var(--rule); border-left-width: .4rem; border-radius: .5rem; background: var(--card); padding: 1rem 1.25rem; margin: 1.5rem 0; }
.verdict.ready_to_use { border-left-color: var(--better); }
.verdict.use_with_care { border-left-color: var(--warn-rule); }
.verdict.do_not_use { border-left-color: var(--worse); }
.verdict h2 { font-size: 1.5rem; margin: 0 0 .75rem; }
.verdict ul { margin: 0; padding: 0; list-style: none; display: grid; gap: .6rem; }
.verdict li { display: grid; grid-template-columns: 1.75rem 1fr; align-items: baseline; }
.verdict li > span { font-weight: 700; font-size: 1.125rem; }
.verdict li.ready_to_use > span { color: var(--better); }
.verdict li.use_with_care > span { color: var(--warn-rule); }
.verdict li.do_not_use > span { color: var(--worse); }
.verdict strong { text-transform: capitalize; }
.verdict small { color: var(--quiet); font-size: .8125rem; }
.verdict p { margin: 0; overflow-wrap: anywhere; }
.verdict > p { margin-top: .75rem; color: var(--quiet); font-size: .875rem; }
.verdict > .more a { color: var(--accent); }
.model-note { overflow-wrap: anywhere; }
.content-notice { border: 1px solid var(--rule); border-radius: .5rem; background: var(--card); padding: 1rem 1.25rem; }
.content-notice p { margin: 0 0 .75rem; }
.command { white-space: pre-wrap; overflow-wrap: anywhere; background: var(--faint); border-radius: .375rem; padding: .75rem 1rem; }
.scroll { overflow-x: auto; margin: 1rem 0; }
.scroll:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
table { border-collapse: collapse; width: 100%; font-size: .9375rem; font-variant-numeric: tabular-nums; }
caption { text-align: left; color: var(--quiet); font-size: .875rem; padding-bottom: .4rem; }
th, td { text-align: left; padding: .4rem .6rem; border-bottom: 1px solid var(--rule); vertical-align: baseline; }
th:first-child { padding-left: .25rem; }
thead th { color: var(--quiet); font-weight: 600; font-size: .875rem; border-bottom: 2px solid var(--rule); vertical-align: bottom; }
tbody th { font-weight: 500; overflow-wrap: break-word; min-width: 5rem; }
.number { text-align: right; }
td.number, td.number small { white-space: nowrap; }
td.number small { display: block; }
td small, th small { color: var(--quiet); font-size: .8125rem; font-weight: 400; }
.wide { font-size: .8125rem; }
.wide thead th { font-size: .8125rem; }
.wide :is(th, td) { padding: .3rem .35rem; }
.wide td:not(.number) { min-width: 5.5rem; overflow-wrap: anywhere; }
tr.chosen > * { background: var(--faint); font-weight: 600; }
tr.chosen > :first-child { box-shadow: inset .25rem 0 var(--accent); }
tr.infeasible > * { color: var(--quiet); }
.better { color: var(--better); font-weight: 600; }
.worse { color: var(--worse); font-weight: 600; }
svg { display: block; width: 100%; height: auto; margin: 1rem 0; font-family: inherit; }
svg text { fill: var(--ink); font-size: 14px; }
svg .tick { fill: var(--quiet); font-size: 13px; font-variant-numeric: tabular-nums; }
svg .middle { text-anchor: middle; }
svg .end { text-anchor: end; }
svg .grid { stroke: var(--rule); stroke-width: 1; }
svg .bar { stroke-width: 4; stroke-linecap: round; }
svg .base .bar { stroke: var(--neutral); stroke-opacity: .55; }
svg .base circle { fill: var(--card); stroke: var(--neutral); stroke-width: 2.5; }
svg .steered .bar { stroke: var(--accent); stroke-opacity: .55; }
svg .steered circle { fill: var(--accent); stroke: var(--accent); stroke-width: 2.5; }
svg circle.hollow { fill: var(--card) !important; }
svg .ground { fill: var(--faint); stroke: var(--rule); }
svg .below { fill: var(--below); }
svg .above { fill: var(--above); }
svg .ring { fill: none; stroke: var(--ink); pointer-events: none; }
svg .curve { --line: var(--accent); }
svg .curve.c1 { --line: var(--above); }
svg .curve.c2 { --line: var(--better); }
svg .curve.c3 { --line: var(--neutral); }
svg .curve.c4 { --line: var(--worse); }
svg .curve.c5 { --line: var(--ink); }
svg .curve.c6 { --line: var(--above); }
svg .curve.c7 { --line: var(--better); }
svg .curve :is(polyline, line) { fill: none; stroke: var(--line); stroke-width: 2; }
svg .curve circle { fill: var(--line); }
svg .curve.c1 :is(polyline, line) { stroke-dasharray: 7 3; }
svg .curve.c2 :is(polyline, line) { stroke-dasharray: 2 3; }
svg .curve.c3 :is(polyline, line) { stroke-dasharray: 9 3 2 3; }
svg .curve.c4 :is(polyline, line) { stroke-dasharray: 4 5; }
svg .curve.c5 :is(polyline, line) { stroke-dasharray: 12 4; }
svg .curve.c6 :is(polyline, line) { stroke-dasharray: 1 3; }
svg .curve.c7 :is(polyline, line) { stroke-dasharray: 14 3 3 3; }
svg .stretch { fill: var(--faint); stroke: var(--rule); }
svg .limit { stroke: var(--quiet); stroke-width: 1.5; }
details { margin: 1rem 0; }
summary { cursor: pointer; color: var(--accent); font-weight: 600; }
.facts { display: grid; grid-template-columns: max-content 1fr; gap: .35rem 1.5rem; margin: 1rem 0; font-size: .9375rem; }
.facts dt { color: var(--quiet); }
.facts dd { margin: 0; overflow-wrap: anywhere; }
code { font: .875em ui-monospace, "SF Mono", "DejaVu Sans Mono", monospace; }
footer { padding-bottom: 3rem; color: var(--quiet); font-size: .875rem; }
@media (max-width: 44rem) {
  main, header, footer { padding-inline: 1rem; }
  h1 { font-size: 1.5rem; }
  .facts { grid-template-columns: 1fr; gap: 0; }
  .facts dd { margin-bottom: .6rem; }
}
@media print {
  body { background: #fff; font-size: 9.5pt; }
  main, header, footer { max-width: none; padding: 0; }
  table, caption, .wide { font-size: 8pt; }
  .wide, .wide thead th { font-size: 6.5pt; }
  .wide td { white-space: normal !important; min-width: 0 !important; }
  .wide :is(th, td) { padding: .15rem; }
  thead th { font-size: 7.5pt; }
  td small { font-size: inherit; }
  th, td { padding: .2rem .3rem; }
  tr, svg, .tiles, .verdict { break-inside: avoid; }
  .scroll { overflow: visible; }
}
)css";

}  // namespace

const char* colour_sheet() {
  return kColours;
}

const char* style_sheet() {
  return kStyleSheet;
}

}  // namespace mascing
