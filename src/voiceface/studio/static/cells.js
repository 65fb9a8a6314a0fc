// A cell for each model: the face, how it came about, and the real speakers that look like it.

import { element } from "./dom.js";

export class Cells {
  constructor(box, { models, people }) {
    this.people = people;
    this.cells = new Map(models.map((model) => [model.name, cellOf(model)]));
    box.style.setProperty("--models", models.length);
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

// Somebody, with a figure.
export function personOf(people, { name, person, similarity }) {
  const more = person == null ? " · not in the dataset" : people[person].in_training ? "" : " · not in the training";
  return element("li", {},
    element("img", { src: person == null ? "/static/icon.svg" : `/people/${person}.png`, alt: "", width: 42, height: 42 }),
    element("span", {},
      element("span", { class: "name" }, name),
      element("span", { class: "value" }, `${similarity.toFixed(2)}${more}`)),
  );
}

function cellOf(model) {
  const canvas = element("canvas", { role: "img", hidden: true });
  const words = element("p", {});
  const took = element("p", { class: "took" });
  const title = element("h4", { hidden: true }, "Most like it");
  const near = element("ol", { class: "people" });
  const article = element("article", { class: "model", "aria-label": model.name },
    element("h3", {}, model.name),
    element("div", { class: "drawn" }, canvas, words),
    took, title, near,
    element("p", { class: "paper" }, `${model.paper} · from ${model.about} · ${model.steps} steps`),
  );
  return { article, canvas, words, took, title, near, name: model.name, need_s: model.need_s };
}

function wait({ words, need_s }, seconds) {
  words.hidden = false;
  const missing = Math.max(0, need_s - seconds).toFixed(1);
  words.textContent = seconds ? `${missing} s more of speech` : `draws from ${need_s.toFixed(1)} s of speech`;
}
