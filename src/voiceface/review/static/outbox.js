// Marks on their way to the disk. Each stays here, and in the browser's storage, until the server
// says that it is written; it is sent again with the same id after a failure, also by the next tab.

import { post } from "./api.js";

const WAIT_MS = [250, 500, 1000, 2000, 4000];
const MOST = 100; // marks in a request

export class Outbox {
  // Whose marks they are: the project and the curator.
  constructor(whose, tab, heard, onChange, onRefused) {
    const all = `voiceface.unsaved.${whose}/`;
    this.key = all + tab;
    this.heard = heard;
    this.onChange = onChange;
    this.onRefused = onRefused;
    this.items = adopted(all);
    this.error = "";
    this.tries = 0;
    this.sending = false;
    this.store();
    this.send();
  }

  // A mark of a sound of some seconds waits for the receipt that it was heard.
  add(marks, seconds = 0) {
    this.items.push(...marks.map((mark) => ({ mark, seconds, since: performance.now() })));
    this.store();
    this.send();
  }

  async send() {
    if (this.sending) return;
    this.sending = true;
    while (this.items.length) {
      try {
        const batch = this.items.slice(0, MOST);
        await Promise.all(batch.map((item) => this.prove(item)));
        await this.deliver(batch.filter((item) => this.items.includes(item)));
        this.tries = 0;
      } catch (error) {
        this.error = error.message;
        this.onChange(this);
        await new Promise((done) => setTimeout(done, WAIT_MS[Math.min(this.tries++, WAIT_MS.length - 1)]));
      }
    }
    this.sending = false;
  }

  async deliver(batch) {
    if (!batch.length) return;
    const { saved, refused } = await post("/api/marks", { marks: batch.map(({ mark }) => mark) });
    this.error = "";
    this.remove(saved);
    if (refused.length) this.refuse(refused);
    for (const { mark, since } of batch) announce("saved", { id: mark.id, ms: performance.now() - since });
  }

  // Gets the receipt of a mark that waits for one.
  async prove({ mark, seconds }) {
    if (!seconds || mark.heard) return;
    try {
      mark.heard = await this.heard.receipt(mark.content, seconds);
    } catch (error) {
      if (error.passing) throw error;
      this.refuse([{ id: mark.id, words: error.message }]);
    }
  }

  refuse(refused) {
    const marks = this.items.map(({ mark }) => mark);
    this.remove(refused.map(({ id }) => id));
    for (const { id, words } of refused) this.onRefused(marks.find((mark) => mark.id === id), words);
  }

  remove(ids) {
    const gone = new Set(ids);
    this.items = this.items.filter(({ mark }) => !gone.has(mark.id));
    this.store();
  }

  store() {
    if (this.items.length) localStorage.setItem(this.key, JSON.stringify(this.items));
    else localStorage.removeItem(this.key);
    this.onChange(this);
  }
}

// What earlier tabs could not save; a tab that still lives sends it too, with the same ids.
function adopted(all) {
  const keys = Object.keys(localStorage).filter((key) => key.startsWith(all));
  const items = keys.flatMap((key) => JSON.parse(localStorage.getItem(key)));
  for (const key of keys) localStorage.removeItem(key);
  return items.map((item) => ({ ...item, since: performance.now() }));
}

export function announce(name, detail) {
  document.dispatchEvent(new CustomEvent(`voiceface:${name}`, { detail }));
}
