// A sample that changed since it was marked: then and now, side by side.

import { element, figure } from "./dom.js";
import { loadBefore } from "./media.js";
import { draw } from "./wave.js";

// Returns the part of the page that shows the past, and what changed.
export function beforeOf(sample, columns) {
  if (!sample.before) {
    const words = "It changed since it was marked. What was marked then is not stored on this machine.";
    return element("p", { class: "changed" }, words);
  }
  const { media, changed } = sample.before;
  const before = loadBefore(media);
  const wave = element("canvas", { class: "wave", role: "img", "aria-label": "The sound that was marked" });
  before.ready.then(() => draw(wave, before.peaks, 0));
  before.image.alt = "The face that was marked";
  const rows = Object.entries(changed).map(([name, [then, now]]) => {
    const { label, unit } = columns.get(name) ?? { label: name, unit: "" };
    const words = (value) => (value == null || value.length === 0 ? "–" : `${figure(value)} ${unit}`.trim());
    return element("tr", {}, element("th", { scope: "row" }, label), element("td", {}, words(then)), element("td", {}, words(now)));
  });
  return element("section", { class: "changed", "aria-label": "As it was marked" },
    element("h3", {}, "It changed since it was marked"),
    element("div", { class: "then" }, before.image,
      element("div", {}, wave, element("button", { type: "button", onclick: () => before.audio.play() }, "play what was marked"))),
    rows.length
      ? element("table", {}, element("thead", {}, element("tr", {}, element("th", { scope: "col" }, "What changed"), element("th", { scope: "col" }, "then"), element("th", { scope: "col" }, "now"))),
          element("tbody", {}, ...rows))
      : element("p", {}, "All scores are as they were."),
  );
}
