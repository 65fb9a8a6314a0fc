// A cell for each model: the face, how it came about, and the real speakers that look like it.

import { element } from "./dom.js";

export class Cells {
  constructor(box, { models, people, faces }) {
    this.people = people;
    this.cells = new Map(models.map((model) => [model.name, cellOf(model, faces)]));
    box.replaceChildren(...[...this.cells.values()].map(({ article }) => article));
    this.clear();
  }

  clear() {
    for (const cell of this.cells.values()) {
      cell.canvas.hidden = true;
      cell.took.textContent = "";
      cell.near.replaceChildren();
      cell.title.hidden = true;
      wait(cell, 0);
    }
  }

  // How much speech there is by now.
  spoken(seconds) {
    for (const cell of this.cells.values()) if (cell.canvas.hidden) wait(cell, seconds);
  }

  face({ model, px, rgb, draw_ms, from_s }) {
    const { canvas, words, took, name } = this.cells.get(model);
    const bytes = Uint8Array.from(atob(rgb), (one) => one.charCodeAt(0));
    const picture = new ImageData(px, px);
    for (let at = 0, to = 0; at < bytes.length; at += 3, to += 4) {
      picture.data.set(bytes.subarray(at, at + 3), to);
      picture.data[to + 3] = 255;
    }
    canvas.width = canvas.height = px;
    canvas.getContext("2d").putImageData(picture, 0, 0);
    canvas.hidden = false;
    canvas.setAttribute("aria-label", `The face that ${name} draws`);
    words.hidden = true;
    took.textContent = `from ${from_s.toFixed(1)} s of speech, in ${Math.max(1, Math.round(draw_ms))} ms`;
  }

  near({ model, people }) {
    const { near, title } = this.cells.get(model);
    title.hidden = !people.length;
    near.replaceChildren(...people.map((one) => personOf(this.people, one)));
  }
}

// A real speaker with a similarity.
export function personOf(people, { person, similarity }) {
  const { name, in_training } = people[person];
  return element("li", {},
    element("img", { src: `/people/${person}.png`, alt: "", width: 42, height: 42 }),
    element("span", { class: "name" }, name, in_training ? null : element("small", {}, "not in the training")),
    element("span", { class: "value" }, similarity.toFixed(2)),
  );
}

function cellOf(model, faces) {
  const canvas = element("canvas", { role: "img", hidden: true });
  const words = element("p", {});
  const took = element("p", { class: "took" });
  const title = element("h3", { hidden: true }, "Real speakers who look most like it");
  const near = element("ol", { class: "people" });
  const article = element("article", { class: "model", "aria-label": model.name },
    element("h2", {}, model.name),
    element("p", { class: "paper" }, `${model.paper}; ${model.steps} steps`),
    element("div", { class: "drawn" }, canvas, words),
    took,
    ...(faces ? [title, near] : []),
  );
  return { article, canvas, words, took, title, near, name: model.name, need_s: model.need_s };
}

function wait(cell, seconds) {
  const missing = cell.need_s - seconds;
  cell.words.hidden = false;
  if (missing > 0) cell.words.textContent = seconds ? `${missing.toFixed(1)} s more of speech` : `draws from ${cell.need_s.toFixed(1)} s of speech on`;
}
