// The second pass: one sample at a time, its face large, its sound playing by itself.

import { get, post, uuid7 } from "./api.js";
import { Deck } from "./deck.js";
import { element, figure, say } from "./dom.js";
import { actionOf, keyOf, REASONS } from "./keys.js";
import { announce } from "./outbox.js";
import { draw } from "./wave.js";

const SPEEDS = [1, 1.25, 1.5, 2];

export class SoundPass {
  constructor(page) {
    this.page = page;
    this.deck = new Deck(page.tab, false);
    this.history = [];
    this.speed = Number(localStorage.getItem("voiceface.speed")) || 1;
    this.heard = new Map(); // content → promise of the receipt
    this.armed = false;
  }

  async open(query) {
    this.stop();
    this.deck.reset(query);
    this.built = null;
    this.page.desk.replaceChildren(element("p", { class: "empty" }, "Loading …"));
    await this.deck.fill();
    this.deck.next();
    this.show();
  }

  show(event = null) {
    this.stop();
    this.armed = false;
    this.note = "";
    const sample = this.deck.current;
    this.page.words(this.deck.words);
    if (!sample) {
      this.built = null;
      const words = this.deck.filling ? "Loading …" : "Nothing is left here. Choose another queue, or other filters.";
      this.page.desk.replaceChildren(element("p", { class: "empty" }, words));
      this.deck.filling?.then(() => !this.deck.current && this.deck.next() && this.show());
      return;
    }
    this.built ??= this.build();
    this.fillIn(sample);
    if (event) painted(event);
    this.prefetch();
  }

  build() {
    const made = {
      face: element("img", { class: "face", alt: "" }),
      speaker: element("h2", {}),
      name: element("code", {}),
      flags: element("ul", { class: "flags" }),
      wave: element("canvas", { class: "wave", role: "img", "aria-label": "The sound" }),
      state: element("p", { class: "state", role: "status" }),
      marks: element("ul", { class: "marks" }),
      values: element("dl", { class: "values" }),
      speed: element("button", { type: "button", onclick: () => this.faster() }),
    };
    const button = (action, words, kind = "") =>
      element("button", { type: "button", class: kind, onclick: (event) => this.act(action, event) },
        element("kbd", {}, keyOf(action)), ` ${words}`);
    const reasons = Object.entries(REASONS).map(([action, words]) => button(action, words, "reason"));
    this.page.desk.replaceChildren(
      element("article", { class: "sample" },
        made.face,
        element("div", { class: "about" },
          made.speaker, made.name, made.flags,
          made.wave,
          element("div", { class: "buttons" }, button("replay", "play again"), made.speed, button("note", "note"), button("next", "on"), button("undo", "undo")),
          made.state,
          element("div", { class: "decide" },
            button("keep", "keep", "keep"), button("unsure", "unsure", "unsure"), button("drop", "drop", "drop")),
          element("div", { class: "reasons", role: "group", "aria-label": "Drop, because" }, ...reasons),
          made.marks,
          element("details", {}, element("summary", {}, "Scores"), made.values),
        ),
      ),
    );
    return made;
  }

  fillIn(sample) {
    const { face, speaker, name, flags, marks, values, speed, wave } = this.built;
    const media = (this.playing = this.page.media.of(sample));
    if (media.image) face.replaceWith((this.built.face = media.image));
    this.built.face.className = "face";
    this.built.face.alt = `Face of ${sample.speaker}`;
    speaker.textContent = sample.speaker;
    name.textContent = sample.sample;
    flags.replaceChildren(...sample.flags.map(({ words }) => element("li", {}, words)));
    marks.replaceChildren(...sample.marks.map((mark) => element("li", {}, markWords(mark))));
    values.replaceChildren(...Object.entries(sample.values).flatMap(([column, value]) => {
      const { label, unit } = this.page.columns.get(column);
      return [element("dt", {}, label), element("dd", {}, `${figure(value)} ${unit}`.trim())];
    }));
    speed.textContent = `${this.speed}×`;
    this.state("");
    draw(wave, media.peaks, 0);
    media.ready?.then(() => this.playing === media && draw(wave, media.peaks, this.played()));
    this.play();
  }

  prefetch() {
    for (const sample of this.deck.ahead.slice(0, 4)) this.page.media.of(sample);
    this.deck.fill().then(() => this.deck.ahead.slice(0, 4).forEach((sample) => this.page.media.of(sample)), this.page.failed);
  }

  play() {
    const { audio } = this.playing;
    const sample = this.deck.current;
    if (!audio) return;
    audio.playbackRate = this.speed;
    audio.currentTime = 0;
    audio.onended = () => this.ended(sample);
    audio.onerror = () => this.state("The sound is not to be had.");
    const begun = post("/api/play", { content: sample.content }).catch(this.page.failed);
    this.begun = begun;
    audio.play().catch((error) => {
      if (error.name === "NotAllowedError") this.state(`Press ${keyOf("replay")} to hear it: the browser waits for a first key.`);
    });
    this.follow();
  }

  follow() {
    cancelAnimationFrame(this.frame);
    const step = () => {
      const { audio, peaks } = this.playing ?? {};
      if (!audio || !this.built) return;
      draw(this.built.wave, peaks, this.played());
      if (!audio.paused) this.frame = requestAnimationFrame(step);
    };
    this.frame = requestAnimationFrame(step);
  }

  played() {
    const { audio } = this.playing;
    return audio?.duration ? audio.currentTime / audio.duration : 0;
  }

  stop() {
    cancelAnimationFrame(this.frame);
    if (this.playing?.audio) {
      this.playing.audio.onended = null;
      this.playing.audio.pause();
    }
  }

  ended(sample) {
    const { content } = sample;
    if (!this.heard.has(content)) {
      const receipt = this.begun.then(() => post("/api/heard", { content })).then(({ heard }) => heard);
      receipt.catch(() => this.heard.delete(content));
      this.heard.set(content, receipt);
    }
    draw(this.built.wave, this.playing.peaks, 1);
    if (this.armed) this.commit("keep", "");
    else this.state("Heard.");
  }

  state(text) {
    this.built.state.textContent = text;
  }

  key(event) {
    const action = actionOf(event);
    if (!action) return;
    event.preventDefault();
    this.act(action, event);
  }

  act(action, event = null) {
    const sample = this.deck.current;
    if (action === "undo") return this.undo();
    if (!sample) return;
    if (action === "keep") this.keep(event);
    else if (action === "drop") this.commit("drop", sample.flags[0]?.words ?? REASONS.drop1, event);
    else if (REASONS[action]) this.commit("drop", REASONS[action], event);
    else if (action === "unsure") this.commit("unsure", "", event);
    else if (action === "replay") this.replay();
    else if (action === "faster") this.faster();
    else if (action === "next") this.move(event);
    else if (action === "note") this.page.note(this.note, (note) => { this.note = note; this.state(note ? `Note: ${note}` : ""); });
  }

  keep(event) {
    const { content } = this.deck.current;
    if (!content) return say("It has no face, so it can't be kept.");
    if (!this.page.settings.must_hear || this.heard.has(content)) return this.commit("keep", "", event);
    this.armed = !this.armed;
    this.state(this.armed ? "It will be kept once it is heard." : "");
    if (this.armed && this.playing.audio?.paused) this.replay();
  }

  replay() {
    const { audio } = this.playing;
    if (audio && !audio.paused) audio.pause();
    else this.play();
  }

  faster() {
    this.speed = SPEEDS[(SPEEDS.indexOf(this.speed) + 1) % SPEEDS.length];
    localStorage.setItem("voiceface.speed", this.speed);
    this.built.speed.textContent = `${this.speed}×`;
    if (this.playing.audio) this.playing.audio.playbackRate = this.speed;
  }

  commit(decision, reason, event = null) {
    const { sample, content } = this.deck.current;
    const mark = { id: uuid7(), sample, content, decision, reason, note: this.note };
    if (this.deck.query.queue === "audit") mark.batch = "audit";
    this.history.push({ mark, sample: this.deck.current });
    const receipt = decision === "keep" && this.page.settings.must_hear ? this.heard.get(content) : null;
    this.move(event);
    this.page.outbox.add([mark], receipt);
  }

  move(event) {
    this.deck.next();
    this.show(event);
  }

  undo() {
    const last = this.history.pop();
    if (last) {
      const { sample, content } = last.sample;
      this.page.outbox.add([{ id: uuid7(), sample, content, decision: "undo", undoes: last.mark.id }]);
      return this.backTo(last.sample);
    }
    return this.page.undo().then((samples) => samples.length && this.backTo(samples[0]));
  }

  backTo(sample) {
    this.deck.back(sample);
    this.show();
    say(`Taken back: ${sample.sample}`);
  }

  // A mark that the server refused: its sample comes back.
  async refused(mark) {
    this.history = this.history.filter((one) => one.mark.id !== mark.id);
    this.deck.back(await get(`/api/sample/${encodeURIComponent(mark.sample)}`));
    this.show();
  }
}

function markWords({ curator, decision, reason, note, time }) {
  const about = [reason, note && `“${note}”`].filter(Boolean).join(", ");
  return `${curator}: ${decision}${about ? ` (${about})` : ""}, ${time.slice(0, 16).replace("T", " ")}`;
}

// Tells how long it took from the key to the pixels.
function painted(event) {
  requestAnimationFrame(() => {
    const channel = new MessageChannel();
    channel.port1.onmessage = () => announce("painted", { ms: performance.now() - event.timeStamp });
    channel.port2.postMessage(null);
  });
}
