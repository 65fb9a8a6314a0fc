// The page: passes, queue, filters, what is not saved yet, and the keys.

import { belongTo, get, post, uuid7 } from "./api.js";
import { byId, element, say } from "./dom.js";
import { FacesPass } from "./faces.js";
import { Filters } from "./filters.js";
import { Heard } from "./heard.js";
import { isOurs, setRubric, showHelp } from "./keys.js";
import { Media } from "./media.js";
import { Outbox } from "./outbox.js";
import { Progress } from "./progress.js";
import { SoundPass } from "./sound.js";

const TAB = "voiceface.tab";
const AGAIN_MS = 2000;

class Page {
  async start() {
    const token = new URL(location.href).searchParams.get("token");
    if (token) history.replaceState(null, "", "/"); // the cookie has it now
    this.desk = byId("desk");
    this.tab = ownTab();
    this.media = new Media();
    this.heard = new Heard();
    this.failed = (error) => say(error.message);
    const state = await get("/api/state");
    belongTo(state.project);
    this.settings = state.settings;
    setRubric(state.rubric);
    byId("who").textContent = state.curator;
    this.columns = new Map(state.columns.map((column) => [column.name, column]));
    this.filters = new Filters(state, () => this.open());
    this.progress = new Progress((found) => this.told(found));
    this.progress.show(state.progress);
    this.told(state);
    this.passes = { sound: new SoundPass(this), faces: new FacesPass(this) };
    this.outbox = new Outbox(`${state.project}/${state.curator}`, this.tab, this.heard, (box) => this.showUnsaved(box), (...refused) => this.refused(...refused));
    for (const name of ["faces", "sound"]) byId(`pass-${name}`).addEventListener("click", () => this.choose(name));
    byId("open-help").addEventListener("click", () => showHelp(() => this.redraw()));
    for (const dialog of document.querySelectorAll("dialog")) dialog.addEventListener("close", () => this.pass.resume?.());
    document.addEventListener("keydown", (event) => this.key(event));
    setInterval(() => this.renew(this.pass.held()), (1000 * this.settings.lease_s) / 3);
    addEventListener("pagehide", () => this.renew([]));
    setInterval(() => document.visibilityState === "visible" && this.pass.again(), AGAIN_MS);
    await this.choose(localStorage.getItem("voiceface.pass") === "faces" ? "faces" : "sound");
  }

  // What the server tells again and again.
  told({ queues, rebuilt, trouble }) {
    this.filters.count(queues);
    byId("rebuilt").hidden = !rebuilt;
    const bar = byId("trouble");
    bar.hidden = !trouble;
    if (trouble && bar.textContent !== trouble) bar.textContent = trouble;
  }

  async choose(name) {
    this.pass?.stop();
    this.pass = this.passes[name];
    localStorage.setItem("voiceface.pass", name);
    for (const one of ["faces", "sound"]) byId(`pass-${one}`).setAttribute("aria-pressed", one === name);
    this.desk.focus();
    await this.open();
  }

  async open() {
    const query = this.filters.query();
    // What is fit, or of the audit, is to be heard; a proposal is a page of faces.
    const only = { audit: "sound", fit: "sound", proposed: "faces" }[query.queue];
    if (only && this.pass !== this.passes[only]) return this.choose(only);
    await this.pass.open(query);
  }

  redraw() {
    const { sound } = this.passes;
    sound.built = null;
    if (this.pass === sound) sound.show();
  }

  // Holds samples for a while longer, and sets free all others.
  renew(have) {
    post("/api/lease", { tab: this.tab, look: this.pass.deck.look, count: 0, have }).catch(() => {});
  }

  key(event) {
    if (event.defaultPrevented || event.repeat || !isOurs(event)) return;
    if (event.key === "?") return showHelp(() => this.redraw());
    this.pass?.key(event);
  }

  // What stands in place of samples.
  tell(text, about = "") {
    this.words(about);
    if (this.desk.textContent !== text) this.desk.replaceChildren(element("p", { class: "empty" }, text));
  }

  words(text) {
    byId("words").textContent = text;
  }

  showUnsaved(box) {
    const line = byId("unsaved");
    const count = box.items.length;
    line.hidden = !box.error;
    if (!box.error) return;
    const words = `${count} ${count === 1 ? "mark is" : "marks are"} not saved: ${box.error}. They are kept here and sent again.`;
    line.replaceChildren(
      element("p", {}, words),
      element("ul", {}, ...box.items.slice(0, 12).map(({ mark }) => element("li", {}, `${mark.sample}: ${mark.decision}`))),
    );
  }

  refused(mark, words) {
    say(`${mark.sample} was not marked: ${words}`);
    this.pass.refused?.(mark).catch(this.failed);
  }

  // Takes back the latest mark that the server knows, and all that were made at once with it.
  async undo() {
    const { pass } = this;
    this.undoing ??= uuid7(); // kept until there is an answer: asked again, it takes back nothing more
    try {
      const { samples, count } = await post("/api/undo", { id: this.undoing });
      this.undoing = null;
      if (samples.length && this.pass === pass) pass.bring(samples);
      say(tookBack(samples, count));
    } catch (error) {
      this.failed(error);
    }
  }

  // Writes the note that goes with the mark of a sample.
  note(sample) {
    const dialog = byId("note");
    const field = element("textarea", { id: "note-text", rows: 4, maxlength: 2000 });
    field.value = sample.note ?? "";
    const form = element("form", { method: "dialog" },
      element("h2", { id: "note-title" }, "Note"),
      element("label", { for: "note-text" }, "Goes with the mark"),
      field,
      element("div", { class: "buttons" }, element("button", { class: "main" }, "Done")),
    );
    form.addEventListener("submit", () => (sample.note = field.value.trim()));
    field.addEventListener("keydown", (event) => event.key === "Enter" && !event.shiftKey && (event.preventDefault(), form.requestSubmit()));
    dialog.replaceChildren(form);
    dialog.showModal();
    field.focus();
  }
}

// What this tab holds is its own again after a reload. The name is stored only while no page has it:
// a copy of the tab finds none, and is another one.
function ownTab() {
  const tab = sessionStorage.getItem(TAB) ?? uuid7();
  addEventListener("pagehide", () => sessionStorage.setItem(TAB, tab));
  addEventListener("pageshow", () => sessionStorage.removeItem(TAB));
  sessionStorage.removeItem(TAB);
  return tab;
}

function tookBack(samples, count) {
  if (!count) return "There is nothing to take back.";
  return `Taken back: ${count === 1 && samples.length ? samples[0].sample : `${count} marks`}`;
}

new Page().start().catch((error) => byId("desk").replaceChildren(element("p", { class: "empty" }, error.message)));
