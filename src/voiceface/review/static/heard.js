// Sounds that were heard to their end, and the server's receipts for them, which go with the keeps.

import { post } from "./api.js";

const REMEMBERED = 200;
const FASTEST = 2; // times its speed, at most, is a sound played

export class Heard {
  constructor() {
    this.receipts = new Map(); // content → promise of the receipt, or null: it is to be asked for again
    this.begun = null;
  }

  has(content) {
    return this.receipts.has(content);
  }

  // A sound starts to play.
  begin(content) {
    this.begun = post("/api/play", { content });
    return this.begun;
  }

  // Promise of the receipt of a sound that has come to its end.
  receipt(content, seconds) {
    let asked = this.receipts.get(content);
    if (asked) return asked;
    asked = this.ask(content, seconds);
    asked.catch((error) => (error.passing ? this.receipts.set(content, null) : this.receipts.delete(content)));
    this.receipts.set(content, asked);
    if (this.receipts.size > REMEMBERED) this.receipts.delete(this.receipts.keys().next().value);
    return asked;
  }

  async ask(content, seconds) {
    await this.begun?.catch(() => {});
    const receipt = () => post("/api/heard", { content }).then(({ heard }) => heard);
    try {
      return await receipt();
    } catch (error) {
      if (error.status !== 409) throw error;
    }
    // A server that was started since does not know that it was played: it is told, and given the time.
    await post("/api/play", { content });
    await new Promise((done) => setTimeout(done, (1000 * seconds) / FASTEST));
    return receipt();
  }
}
