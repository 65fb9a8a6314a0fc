// The samples of this tab: what is on screen, what comes next, and what was passed.

import { post, uuid7 } from "./api.js";

const AHEAD = 16;
const PASSED = 500; // names that are told again: a server that was started anew knows no others

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
    this.words = "";
    this.filling = null;
    this.look = uuid7(); // the server remembers by it what was passed
  }

  // Names of the samples that this tab holds.
  held() {
    return [this.current, ...this.ahead].filter(Boolean).map(({ sample }) => sample);
  }

  // Fetches more when little is left; all who ask meanwhile wait for the same answer.
  fill() {
    if (this.filling || this.ahead.length >= AHEAD / 2 || this.ended === this.look) return this.filling ?? Promise.resolve();
    const { look } = this;
    const filling = this.lease(AHEAD - this.ahead.length, this.held())
      .then((fresh) => {
        this.ahead.push(...fresh);
        if (!fresh.length) this.ended = look;
      })
      .finally(() => this.filling === filling && (this.filling = null));
    return (this.filling = filling);
  }

  // Asks again though nothing was left: what others had may be free by now.
  refill() {
    this.ended = null;
    return this.fill();
  }

  // Further samples of the query, beside those that the tab has; none when another query was chosen
  // meanwhile.
  async lease(count, have) {
    const { look } = this;
    const body = { ...this.query, tab: this.tab, look, count, have, skip: this.passed, faces: this.faces };
    const found = await post("/api/lease", body);
    if (look !== this.look) return [];
    this.words = found.words;
    const known = new Set([...this.held(), ...this.passed]);
    return found.samples.filter(({ sample }) => !known.has(sample));
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
