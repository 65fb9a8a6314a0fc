// Marks on their way to the disk. Each stays here, and in the browser's storage, until the server
// says that it is written; it is sent again with the same id after a failure, also by the next tab.

import { ApiError, post } from "./api.js";

const WAIT_MS = [250, 500, 1000, 2000, 4000];
const MOST = 100; // marks in a request

export class Outbox {
  constructor(curator, onChange, onRefused) {
    this.key = `voiceface.unsaved.${curator}`;
    this.onChange = onChange;
    this.onRefused = onRefused;
    this.items = stored(this.key);
    this.error = "";
    this.tries = 0;
    this.sending = false;
    this.send();
  }

  // A mark may come with the promise of its receipt (see `heard`), which it waits for.
  add(marks, receipt = null) {
    const items = marks.map((mark) => ({ mark, since: performance.now(), waits: receipt !== null }));
    this.items.push(...items);
    this.store();
    receipt?.then(
      (heard) => {
        for (const item of items) Object.assign(item, { waits: false, mark: { ...item.mark, heard } });
        this.store();
        this.send();
      },
      (error) => this.refuse(items.map(({ mark }) => ({ id: mark.id, words: error.message }))),
    );
    this.send();
  }

  has(id) {
    return this.items.some(({ mark }) => mark.id === id);
  }

  async send() {
    if (this.sending) return;
    this.sending = true;
    while (this.items.length && !this.items[0].waits) {
      const ready = this.items.slice(0, MOST);
      const waiting = ready.findIndex((item) => item.waits);
      const batch = waiting < 0 ? ready : ready.slice(0, waiting);
      try {
        const { saved, refused } = await post("/api/marks", { marks: batch.map((i) => i.mark) });
        this.error = "";
        this.tries = 0;
        this.remove(saved);
        if (refused.length) this.refuse(refused);
        for (const { mark, since } of batch) announce("saved", { id: mark.id, ms: performance.now() - since });
      } catch (error) {
        this.error = error instanceof ApiError ? error.message : "the server can't be reached";
        this.onChange(this);
        await new Promise((done) => setTimeout(done, WAIT_MS[Math.min(this.tries++, WAIT_MS.length - 1)]));
      }
    }
    this.sending = false;
  }

  refuse(refused) {
    const marks = this.items.map(({ mark }) => mark);
    this.remove(refused.map(({ id }) => id));
    for (const { id, words, code } of refused) {
      this.onRefused(marks.find((mark) => mark.id === id), words, code);
    }
    this.send();
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

// What an earlier tab could not save. A receipt that it waited for is asked for no more: the server
// says whether it is needed.
function stored(key) {
  try {
    return JSON.parse(localStorage.getItem(key) ?? "[]").map(({ mark }) => ({ mark, since: performance.now() }));
  } catch {
    return [];
  }
}

export function announce(name, detail) {
  document.dispatchEvent(new CustomEvent(`voiceface:${name}`, { detail }));
}
