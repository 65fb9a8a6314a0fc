// The first pass: a page of one speaker's faces, worst first. Drop what is bad, keep the rest.

import { uuid7, whyNone } from "./api.js";
import { Deck } from "./deck.js";
import { element, say } from "./dom.js";
import { GRID } from "./keys.js";
import { announce } from "./outbox.js";
import { errorWords } from "./progress.js";

const REMEMBERED = 20; // pages that are taken back without asking the server which

export class FacesPass {
  constructor(page) {
    this.page = page;
    this.deck = new Deck(page.tab, true);
    this.history = [];
    this.samples = [];
    this.pages = [];
    this.dropped = new Set();
  }

  async open(query) {
    this.deck.reset(query);
    this.samples = [];
    this.pages = [];
    this.fetching = null;
    this.page.tell("Loading …");
    await this.load();
  }

  held() {
    return [this.samples, ...this.pages].flat().map(({ sample }) => sample);
  }

  // Shows the next page; the one behind it is on its way then.
  async load() {
    const { pages } = this;
    let words = "No face is left here. Choose another queue, or go on with Sound.";
    try {
      await this.fetch();
    } catch (error) {
      words = whyNone(error);
    }
    // Another key, query or pass was faster.
    if (this.samples.length || this.pages !== pages || this.page.pass !== this) return;
    this.samples = pages.shift() ?? [];
    if (!this.samples.length) return this.page.tell(words, this.deck.words);
    this.show();
    this.fetch().catch(() => {}); // it is tried again when the page is wanted
  }

  // Looks whether there are faces by now.
  again() {
    if (!this.samples.length) this.load();
  }

  fetch() {
    if (this.fetching || this.pages.length) return this.fetching ?? Promise.resolve();
    const { pages } = this;
    const fetching = this.deck.lease(this.page.settings.page_size, this.held())
      .then((fresh) => {
        for (const { media } of fresh) if (media) new Image().src = `${media}face.png`;
        if (fresh.length) pages.push(fresh);
      })
      .finally(() => this.fetching === fetching && (this.fetching = null));
    return (this.fetching = fetching);
  }

  show() {
    this.dropped.clear();
    this.page.words(this.deck.words);
    const speaker = this.samples[0].speaker;
    const { error } = this.proposal() ?? {};
    const final = error || !this.page.settings.must_hear;
    const done = final ? "keep the others" : "the others are fit, to be heard";
    this.tiles = this.samples.map((sample, place) => this.tile(sample, place));
    this.page.desk.replaceChildren(
      element("div", { class: "gridhead" },
        element("h2", {}, speaker),
        element("p", { class: "soft" }, error ? `proposed to be kept: ${errorWords(error)}` : `${this.samples.length} faces`),
        element("button", { type: "button", class: "main", onclick: (event) => this.done(event).catch(this.page.failed) },
          element("kbd", {}, "Enter"), ` ${done}`),
        element("button", { type: "button", onclick: () => this.undo() }, element("kbd", {}, "⌫"), " undo"),
      ),
      element("div", { class: "grid", role: "group", "aria-label": `Faces of ${speaker}` }, ...this.tiles),
    );
  }

  proposal() {
    return this.deck.query.queue === "proposed" ? this.page.progress.proposed : null;
  }

  tile(sample, place) {
    const key = GRID[place];
    const about = sample.flags.map(({ words }) => words).join(", ");
    return element("button", {
      type: "button", class: "tile", "aria-pressed": "false", title: about,
      "aria-label": `Drop face ${place + 1}${about ? `: ${about}` : ""}`,
      onclick: () => this.toggle(place),
      onfocus: () => (this.chosen = place),
    },
      element("img", { src: sample.media ? `${sample.media}face.png` : "/static/icon.svg", alt: "", width: 128, height: 128 }),
      element("kbd", { "aria-hidden": "true" }, key),
      about ? element("span", { class: "flag" }, about) : null,
    );
  }

  toggle(place) {
    const tile = this.tiles[place];
    if (!tile) return;
    const on = !this.dropped.delete(place);
    if (on) this.dropped.add(place);
    tile.setAttribute("aria-pressed", on);
  }

  key(event) {
    const arrows = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -this.columns(), ArrowDown: this.columns() };
    const place = GRID.indexOf(event.key.toLowerCase());
    if (event.key === "Enter") this.done(event).catch(this.page.failed);
    else if (event.key === "Backspace") this.undo();
    else if (event.key === " ") this.hear();
    else if (event.key in arrows) this.tiles?.[Math.max(0, (this.chosen ?? 0) + arrows[event.key])]?.focus();
    else if (place >= 0 && place < this.samples.length) this.toggle(place);
    else return;
    event.preventDefault();
  }

  columns() {
    const top = this.tiles?.[0].offsetTop;
    return this.tiles?.filter((tile) => tile.offsetTop === top).length || 1;
  }

  hear() {
    const sample = this.samples[this.chosen ?? 0];
    if (!sample?.media) return;
    this.audio?.pause();
    this.audio = new Audio(`${sample.media}sound.flac`);
    this.audio.play().catch(() => say("The sound is not to be had."));
  }

  async done(event) {
    const { samples } = this;
    if (!samples.length) return this.load();
    this.samples = []; // a second Enter must not mark them again
    const batch = uuid7();
    const marks = samples.map(({ sample, content, flags }, place) => {
      const drop = this.dropped.has(place);
      const reason = drop ? flags[0]?.words ?? "bad face" : this.proposal() ? "proposed" : "";
      return { id: uuid7(), sample, content, decision: drop ? "drop" : "keep", reason, batch, faces: true };
    });
    this.history = [...this.history.slice(-REMEMBERED), { marks, samples }];
    this.deck.pass(...samples.map(({ sample }) => sample));
    this.page.outbox.add(marks);
    await this.load();
    requestAnimationFrame(() => announce("painted", { ms: performance.now() - event.timeStamp }));
  }

  undo() {
    const last = this.history.pop();
    if (!last) return this.page.undo();
    this.page.outbox.add(last.marks.map(({ id, sample, content }) => ({ id: uuid7(), sample, content, decision: "undo", undoes: id })));
    this.bring(last.samples);
    say("The page is taken back.");
  }

  bring(samples) {
    const names = new Set(samples.map(({ sample }) => sample));
    this.deck.passed = this.deck.passed.filter((name) => !names.has(name));
    if (this.samples.length) this.pages.unshift(this.samples);
    this.samples = samples;
    this.show();
  }

  stop() {
    this.audio?.pause();
  }
}
