// How far, how fast, how long to go, and how pure; only one's own pace is told.

import { get } from "./api.js";
import { byId, element, figure } from "./dom.js";

const AGAIN_MS = 10000;

export class Progress {
  constructor(onState) {
    this.onState = onState;
    const button = byId("open-progress");
    button.addEventListener("click", () => {
      const panel = byId("progress");
      panel.hidden = !panel.hidden;
      button.setAttribute("aria-expanded", !panel.hidden);
      if (!panel.hidden) this.load();
    });
    setInterval(() => document.visibilityState === "visible" && this.load(), AGAIN_MS);
  }

  async load() {
    const state = await get("/api/state").catch(() => null);
    if (!state) return;
    this.show(state.progress);
    this.onState(state);
  }

  show(progress) {
    const { marked, total, kept, per_minute: pace, minutes_to_go: left, purity, residual, proposed, model_marks: taught } = progress;
    this.proposed = proposed;
    byId("far").value = total ? marked / total : 0;
    byId("progress").replaceChildren(element("dl", { class: "tiles" },
      tile("Marked", `${figure(marked)} of ${figure(total)}`, `${percent(total ? marked / total : 0)}, ${figure(kept)} kept`),
      tile("Your pace", pace ? `${figure(Math.round(pace))} a minute` : "–", "of your last 300 marks; only you see it"),
      tile("To go", left === null ? "–" : duration(left), "for all that waits, at your pace"),
      tile("Purity so far", purity?.estimate == null ? "–" : percent(purity.estimate), purity ? interval(purity) : "nothing is kept yet"),
      tile("Random audit", residual.whole ? `${residual.part} wrong of ${residual.whole}` : "–",
        residual.whole ? `of what nobody looked at: ${interval(residual)}` : "mark the queue “audit” to know"),
      tile("Assistance", taught ? `learned from ${figure(taught)} marks` : "learns from your marks",
        proposed ? `proposes ${figure(proposed.count)} keeps, ${errorWords(proposed.error)}` : "no proposal is sure enough yet"),
    ));
  }
}

export function errorWords(error) {
  return `measured error ${percent(error.estimate)} (${percent(error.low)} to ${percent(error.high)}) on ${error.whole} marks`;
}

function tile(name, value, about) {
  return element("div", { class: "tile-text" }, element("dt", {}, name), element("dd", {}, value, element("small", {}, about)));
}

const percent = (share) => `${(100 * share).toFixed(share > 0.9995 || share === 0 ? 0 : 1)} %`;
const interval = ({ low, high }) => `${percent(low)} to ${percent(high)}, at 95 %`;

function duration(minutes) {
  if (minutes < 90) return `${Math.max(1, Math.round(minutes))} min`;
  return `${(minutes / 60).toFixed(1)} h`;
}
