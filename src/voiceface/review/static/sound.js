// The second pass: one sample at a time, its face large, its sound playing by itself.

import { get, uuid7, whyNone } from "./api.js";
import { beforeOf } from "./before.js";
import { Deck } from "./deck.js";
import { afterPaint, element, figure, say } from "./dom.js";
import { actionOf, keyOf, REASONS } from "./keys.js";
import { announce } from "./outbox.js";
import { draw } from "./wave.js";

const FRAME_MS = 60; // how often the played part is drawn
const TELL_MS = 100;
const REMEMBERED = 200; // marks that are taken back without asking the server which
const SPEEDS = [1, 1.25, 1.5, 2];

export class SoundPass {
  constructor(page) {
    this.page = page;
    this.deck = new Deck(page.tab, false);
    this.history = [];
    this.speed = Number(localStorage.getItem("voiceface.speed")) || 1;
    this.armed = false;
  }

  async open(query) {
    this.stop();
    this.deck.reset(query);
    this.page.tell("Loading …");
    await this.more();
  }

  // Shows the next sample once the server has one.
  async more() {
    const { look } = this.deck;
    this.built = null;
    let words = "Nothing is left here. Choose another queue, or other filters.";
    try {
      await this.deck.refill();
    } catch (error) {
      words = whyNone(error);
    }
    // Another key, query or pass was faster.
    if (this.deck.current || this.deck.look !== look || this.page.pass !== this) return;
    if (this.deck.next()) this.show();
    else this.page.tell(words, this.deck.words);
  }

  // Looks whether there are samples by now.
  again() {
    if (!this.deck.current) this.more();
  }

  show(event = null) {
    this.stop();
    this.armed = false;
    const sample = this.deck.current;
    this.page.words(this.deck.words);
    if (!sample) {
      this.page.tell("Loading …", this.deck.words);
      return void this.more();
    }
    this.built ??= this.build();
    this.fillIn(sample);
    if (event) painted(event);
    // The picture first; what is heard and fetched follows when it is on the screen.
    afterPaint(() => {
      if (this.deck.current !== sample || this.page.pass !== this) return;
      this.play();
      this.prefetch();
    });
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
      before: element("div", {}),
      values: element("dl", { class: "values" }),
      speed: element("button", { type: "button", onclick: () => this.faster() }),
    };
    made.details = element("details", { ontoggle: () => this.showValues() }, element("summary", {}, "Scores"), made.values);
    const button = (action, words, kind = "") =>
      element("button", { type: "button", class: kind, onclick: (event) => this.pressed(action, event) },
        element("kbd", {}, keyOf(action)), ` ${words}`);
    const reasons = Object.entries(REASONS).map(([action, words]) => button(action, words, "reason"));
    this.page.desk.replaceChildren(
      element("article", { class: "sample" },
        made.face,
        element("div", { class: "about" },
          made.speaker, made.name, made.flags,
          made.wave,
          made.state,
          element("div", { class: "decide" },
            button("keep", "keep", "keep"), button("unsure", "unsure", "unsure"), button("drop", "drop", "drop")),
          element("div", { class: "reasons", role: "group", "aria-label": "Drop, because" }, ...reasons),
          element("div", { class: "buttons" }, button("replay", "play again"), made.speed, button("note", "note"), button("next", "on"), button("undo", "undo")),
          made.marks, made.before,
          made.details,
        ),
      ),
    );
    return made;
  }

  fillIn(sample) {
    const { face, speaker, name, flags, marks, before, speed, wave } = this.built;
    const media = (this.playing = this.page.media.of(sample));
    if (media.image) face.replaceWith((this.built.face = media.image));
    this.built.face.className = "face";
    this.built.face.alt = `Face of ${sample.speaker}`;
    speaker.textContent = sample.speaker;
    name.textContent = sample.sample;
    flags.replaceChildren(...sample.flags.map(({ words }) => element("li", {}, words)));
    marks.replaceChildren(...sample.marks.map((mark) => element("li", {}, markWords(mark))));
    this.showValues();
    before.replaceChildren(...(sample.review === "stale" ? [beforeOf(sample, this.page.columns)] : []));
    speed.textContent = `${this.speed}×`;
    this.state("");
    draw(wave, media.peaks, 0);
    if (!media.peaks) media.ready?.then(() => this.playing === media && draw(wave, media.peaks, this.played()));
  }

  showValues() {
    const { values, details } = this.built;
    if (!details.open) return;
    values.replaceChildren(...Object.entries(this.deck.current.values).flatMap(([column, value]) => {
      const { label, unit } = this.page.columns.get(column);
      return [element("dt", {}, label), element("dd", {}, `${figure(value)} ${unit}`.trim())];
    }));
  }

  prefetch() {
    for (const sample of this.deck.ahead.slice(0, 6)) this.page.media.of(sample);
    this.deck.fill().then(() => this.deck.ahead.slice(0, 6).forEach((sample) => this.page.media.of(sample)), this.page.failed);
  }

  play() {
    const { audio } = this.playing;
    const sample = this.deck.current;
    if (!audio) return;
    audio.playbackRate = this.speed;
    audio.currentTime = 0;
    audio.onended = () => this.ended(sample);
    // Who is past it already need not tell that it began.
    clearTimeout(this.telling);
    this.telling = setTimeout(() => this.page.heard.begin(sample.content).catch(this.page.failed), TELL_MS);
    audio.play().catch((error) => {
      if (this.playing.audio !== audio || !this.deck.current) return;
      if (error.name === "NotAllowedError") this.state(`Press ${keyOf("replay")} to hear it: the browser waits for a first key.`);
      else if (error.name !== "AbortError") this.state("The sound is not to be had.");
    });
    this.follow();
  }

  follow() {
    cancelAnimationFrame(this.frame);
    let drawn = 0;
    const step = (now) => {
      const { audio, peaks } = this.playing ?? {};
      if (!audio || !this.built) return;
      if (now - drawn > FRAME_MS) {
        draw(this.built.wave, peaks, this.played());
        drawn = now;
      }
      if (!audio.paused) this.frame = requestAnimationFrame(step);
    };
    this.frame = requestAnimationFrame(step);
  }

  played() {
    const { audio } = this.playing;
    return audio?.duration ? audio.currentTime / audio.duration : 0;
  }

  held() {
    return this.deck.held();
  }

  stop() {
    cancelAnimationFrame(this.frame);
    clearTimeout(this.telling);
    if (this.playing?.audio) {
      this.playing.audio.onended = null;
      this.playing.audio.pause();
    }
  }

  ended({ content, seconds }) {
    this.page.heard.receipt(content, seconds).catch(() => {}); // the keep asks again
    draw(this.built.wave, this.playing.peaks, 1);
    if (!this.armed) this.state("Heard.");
    else if (!document.querySelector("dialog[open]")) this.commit("keep", "");
  }

  // A dialog was closed: what was heard meanwhile, and is to be kept, goes its way.
  resume() {
    const { current } = this.deck;
    if (this.armed && this.page.heard.has(current.content)) this.commit("keep", "");
    else if (current) this.state(this.said);
  }

  state(text) {
    const { note } = this.deck.current;
    this.said = text;
    this.built.state.textContent = note ? `${text} Note: ${note}` : text;
  }

  key(event) {
    const action = actionOf(event);
    if (!action) return;
    event.preventDefault();
    this.act(action, event);
  }

  pressed(action, event) {
    // Space plays again, and does not press the mouse's last button.
    if (!event.currentTarget.matches(":focus-visible")) this.page.desk.focus();
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
    else if (action === "note") this.page.note(sample);
  }

  keep(event) {
    const { content } = this.deck.current;
    if (!content) return say("It has no face, so it can't be kept.");
    if (!this.page.settings.must_hear || this.page.heard.has(content)) return this.commit("keep", "", event);
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
    const { sample, content, seconds, note } = this.deck.current;
    const mark = { id: uuid7(), sample, content, decision, reason, note: note ?? "" };
    if (this.deck.query.queue === "audit") mark.batch = "audit";
    this.history = [...this.history.slice(-REMEMBERED), { mark, sample: this.deck.current }];
    this.move(event);
    this.page.outbox.add([mark], decision === "keep" && this.page.settings.must_hear ? seconds : 0);
  }

  move(event) {
    this.deck.next();
    this.show(event);
  }

  undo() {
    const last = this.history.pop();
    if (!last) return this.page.undo();
    const { sample, content } = last.sample;
    this.page.outbox.add([{ id: uuid7(), sample, content, decision: "undo", undoes: last.mark.id }]);
    this.bring([last.sample]);
    say(`Taken back: ${sample}`);
  }

  // Shows the first of the samples whose marks were taken back.
  bring([sample]) {
    this.deck.back(sample);
    this.show();
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
  afterPaint(() => announce("painted", { ms: performance.now() - event.timeStamp }));
}
