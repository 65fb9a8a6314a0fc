// The page: speak or take a file, and see what the server finds and draws.

import { Cells, personOf } from "./cells.js";
import { afterPaint, byId, element } from "./dom.js";
import { Link } from "./link.js";
import { Microphone } from "./microphone.js";
import { Wave } from "./wave.js";

class Page {
  async start() {
    const token = new URL(location.href).searchParams.get("token");
    if (token) history.replaceState(null, "", "/"); // the cookie has it now
    const response = await fetch("/api/state");
    if (!response.ok) throw new Error(await response.text());
    this.known = await response.json();
    this.wave = new Wave(byId("wave"), this.known.frame_s);
    this.cells = new Cells(byId("models"), this.known);
    this.link = new Link({
      frames: (message) => this.found(message),
      face: (message) => this.face(message),
      near: (message) => this.cells.near(message),
      speaking: ({ people }) => byId("speaking-people").replaceChildren(...people.map((one) => personOf(this.known.people, one))),
      full: () => this.full(),
      done: () => this.state("All is drawn."),
      file: (data) => save(data),
      error: ({ words }) => this.trouble(words),
      lost: (error) => this.lost(error),
    });
    byId("speak").addEventListener("click", () => this.toggle());
    byId("download").addEventListener("click", () => this.link.tell({ do: "save" }));
    byId("speaking-about").textContent = this.known.speaking;
    byId("notes").replaceChildren(...[this.known.faces, ...this.known.left_out].map((words) => element("li", {}, words)));
    const take = (file) => file && this.once(() => this.takeFile(file));
    byId("file").addEventListener("change", async ({ target }) => {
      await take(target.files[0]);
      target.value = ""; // so that the same file can be taken again
    });
    document.addEventListener("keydown", (event) => this.key(event));
    takeDrops(take);
    this.state("Speak, or drop a file with a voice here.");
  }

  state(words) {
    if (byId("state").textContent !== words) byId("state").textContent = words;
  }

  trouble(words) {
    byId("trouble").hidden = !words;
    byId("trouble").textContent = words;
    if (words) this.state("");
  }

  clear() {
    this.link.leave();
    this.trouble("");
    this.wave.clear();
    this.cells.clear();
    this.drew = new Set();
    byId("amount").textContent = "";
    byId("download").disabled = true;
    byId("speaking-people").replaceChildren();
  }

  toggle() {
    return this.once(() => (this.microphone ? this.stop() : this.speak()));
  }

  // One thing at a time: the microphone may have to be allowed first.
  async once(act) {
    if (this.busy) return;
    this.busy = true;
    try {
      await act();
    } catch (error) {
      this.trouble(error.message);
    }
    this.busy = false;
  }

  async speak() {
    this.clear();
    await this.link.open();
    const waiting = [];
    let ready = false;
    const hear = (piece) => (ready ? this.link.send(piece) : waiting.push(piece));
    const microphone = (this.microphone = await Microphone.open(hear, () => this.microphone && this.stop()));
    this.link.begin({ do: "begin", rate: microphone.rate });
    for (const piece of waiting) this.link.send(piece);
    ready = true;
    byId("speak").setAttribute("aria-pressed", "true");
    byId("speak").lastElementChild.textContent = "Stop";
    this.state("Listening …");
  }

  stop() {
    this.silence();
    this.state("Drawing …");
    this.link.tell({ do: "end" });
  }

  silence() {
    this.microphone?.close();
    this.microphone = null;
    byId("speak").setAttribute("aria-pressed", "false");
    byId("speak").lastElementChild.textContent = "Speak";
  }

  async takeFile(file) {
    this.silence();
    this.clear();
    if (file.size > this.known.most_file_bytes) throw new Error(`${file.name}: over ${this.known.most_file_bytes >> 20} MiB; cut it`);
    await this.link.open();
    this.state(`Reading ${file.name} …`);
    this.link.begin({ do: "file", name: file.name });
    this.link.send(await file.arrayBuffer());
  }

  found(message) {
    this.wave.add(message);
    this.cells.spoken(message.speech_s);
    byId("amount").textContent = `${message.speech_s.toFixed(1)} s of speech`; // too often to be read out
  }

  face(message) {
    this.cells.face(message);
    byId("download").disabled = false;
    const second = this.microphone?.heardAt(message.second_at_s);
    if (second === undefined || this.drew.has(message.model)) return;
    this.drew.add(message.model);
    const name = `first picture of ${message.model}`; // from the first second of speech on
    afterPaint(() => performance.measure(name, { start: second, end: performance.now() }));
  }

  full() {
    this.silence();
    this.trouble(`${this.known.most_s} s is as much as is kept; speak again to start anew.`);
  }

  lost(error) {
    this.silence();
    byId("download").disabled = true;
    this.trouble(error.message);
  }

  key(event) {
    if (event.key !== " " || event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.matches("button, input, a, summary")) return;
    event.preventDefault();
    this.toggle();
  }
}

function save(data) {
  const url = URL.createObjectURL(new Blob([data], { type: "application/zip" }));
  element("a", { href: url, download: "voiceface.zip" }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
}

// Files may be dropped anywhere on the page.
function takeDrops(take) {
  const holds = (event) => event.dataTransfer?.types.includes("Files");
  addEventListener("dragover", (event) => {
    if (!holds(event)) return;
    event.preventDefault();
    document.body.classList.add("over");
  });
  addEventListener("dragleave", (event) => event.relatedTarget ?? document.body.classList.remove("over"));
  addEventListener("drop", (event) => {
    if (!holds(event)) return;
    event.preventDefault();
    document.body.classList.remove("over");
    take(event.dataTransfer.files[0]);
  });
}

const page = new Page();
page.start().catch((error) => page.trouble(error.message));
