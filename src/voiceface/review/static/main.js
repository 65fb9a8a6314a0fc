// The page: passes, queue, filters, what is not saved yet, and the keys.

import { get, post, uuid7 } from "./api.js";
import { byId, element, say } from "./dom.js";
import { FacesPass } from "./faces.js";
import { Filters } from "./filters.js";
import { isOurs, setRubric, showHelp } from "./keys.js";
import { Media } from "./media.js";
import { Outbox } from "./outbox.js";
import { Progress } from "./progress.js";
import { SoundPass } from "./sound.js";

class Page {
  async start() {
    const token = new URL(location.href).searchParams.get("token");
    if (token) history.replaceState(null, "", "/"); // the cookie has it now
    this.desk = byId("desk");
    // What this tab holds is its own again after a reload.
    this.tab = sessionStorage.getItem("voiceface.tab") ?? uuid7();
    sessionStorage.setItem("voiceface.tab", this.tab);
    this.media = new Media();
    this.failed = (error) => say(error.message);
    const state = await get("/api/state");
    this.settings = state.settings;
    setRubric(state.rubric);
    byId("who").textContent = state.curator;
    this.columns = new Map(state.columns.map((column) => [column.name, column]));
    this.filters = new Filters(state, () => this.open());
    this.progress = new Progress((found) => {
      this.filters.count(found);
      byId("rebuilt").hidden = !found.rebuilt;
    });
    this.progress.show(state.progress);
    this.passes = { sound: new SoundPass(this), faces: new FacesPass(this) };
    this.outbox = new Outbox(state.curator, this.tab, (box) => this.showUnsaved(box), (...refused) => this.refused(...refused));
    for (const name of ["faces", "sound"]) byId(`pass-${name}`).addEventListener("click", () => this.choose(name));
    byId("open-help").addEventListener("click", () => showHelp(() => this.redraw()));
    document.addEventListener("keydown", (event) => this.key(event));
    setInterval(() => this.renew(this.pass.held()), (1000 * this.settings.lease_s) / 3);
    addEventListener("pagehide", () => this.renew([]));
    await this.choose(localStorage.getItem("voiceface.pass") === "faces" ? "faces" : "sound");
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
    try {
      await this.pass.open(query);
    } catch (error) {
      this.desk.replaceChildren(element("p", { class: "empty" }, error.message));
    }
  }

  redraw() {
    const { sound } = this.passes;
    sound.built = null;
    if (this.pass === sound) sound.show();
  }

  // Holds samples for a while longer, and sets free all others.
  renew(have) {
    post("/api/lease", { tab: this.tab, count: 0, have }).catch(() => {});
  }

  key(event) {
    if (event.defaultPrevented || event.repeat || !isOurs(event)) return;
    if (event.key === "?") return showHelp(() => this.redraw());
    this.pass?.key(event);
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

  refused(mark, words, code) {
    say(`${mark.sample} was not marked: ${words}`);
    this.pass.refused(mark, words, code)?.catch(this.failed);
  }

  async undo() {
    const { samples } = await post("/api/undo", { id: uuid7() });
    if (!samples.length) say("There is nothing to take back.");
    return samples;
  }

  note(text, take) {
    const dialog = byId("note");
    const field = element("textarea", { id: "note-text", rows: 4, maxlength: 2000 });
    field.value = text;
    const form = element("form", { method: "dialog" },
      element("h2", { id: "note-title" }, "Note"),
      element("label", { for: "note-text" }, "Goes with the mark"),
      field,
      element("div", { class: "buttons" }, element("button", { class: "main" }, "Done")),
    );
    form.addEventListener("submit", () => take(field.value.trim()));
    field.addEventListener("keydown", (event) => event.key === "Enter" && !event.shiftKey && (event.preventDefault(), form.requestSubmit()));
    dialog.replaceChildren(form);
    dialog.showModal();
    field.focus();
  }
}

new Page().start().catch((error) => byId("desk").replaceChildren(element("p", { class: "empty" }, error.message)));
