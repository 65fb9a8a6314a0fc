// The samples of this tab: what is on screen, what comes next, and what was passed.

import { post } from "./api.js";

const AHEAD = 8;
const PASSED = 500;

export class Deck {
  constructor(tab, faces) {
    this.faces = faces;
    this.tab = tab;
    this.reset({ queue: "pending", filters: [], sort: "worst" });
  }

  reset(query) {
    this.query = query;
    this.current = null;
    this.ahead = [];
    this.passed = [];
    this.count = null;
    this.words = "";
    this.filling = null;
    this.generation = (this.generation ?? 0) + 1;
  }

  // Fetches more when little is left; all who ask meanwhile wait for the same answer.
  fill(count = AHEAD) {
    if (this.ahead.length >= count / 2 || this.ended === this.generation) return this.filling ?? Promise.resolve();
    this.filling ??= this.lease(count - this.ahead.length).finally(() => (this.filling = null));
    return this.filling;
  }

  async lease(count) {
    const generation = this.generation;
    const have = [this.current, ...this.ahead].filter(Boolean).map(({ sample }) => sample);
    const body = { ...this.query, tab: this.tab, count, have, skip: this.passed, faces: this.faces };
    const found = await post("/api/lease", body);
    if (generation !== this.generation) return;
    this.words = found.words;
    this.count = found.count;
    const known = new Set(have);
    const fresh = found.samples.filter(({ sample }) => !known.has(sample) && !this.passed.includes(sample));
    this.ahead.push(...fresh);
    this.ended = count && !found.samples.length ? generation : 0;
  }

  // The next sample, or null while it is not there yet.
  next() {
    if (this.current) this.pass(this.current.sample);
    this.current = this.ahead.shift() ?? null;
    return this.current;
  }

  back(sample) {
    if (this.current) this.ahead.unshift(this.current);
    this.current = sample;
    this.passed = this.passed.filter((name) => name !== sample.sample);
    this.ahead = this.ahead.filter((one) => one.sample !== sample.sample);
  }

  pass(...names) {
    this.passed = [...this.passed, ...names].slice(-PASSED);
  }
}
