// In the audio thread: pieces of 40 ms of the microphone's sound, as 16-bit samples.

const PIECE_S = 0.04;

class Capture extends AudioWorkletProcessor {
  constructor() {
    super();
    this.piece = new Int16Array(Math.round(PIECE_S * sampleRate));
    this.filled = 0;
  }

  process([input]) {
    for (const value of input[0] ?? []) {
      this.piece[this.filled++] = Math.max(-1, Math.min(1, value)) * 32767;
      if (this.filled === this.piece.length) {
        const { buffer } = this.piece;
        this.port.postMessage(buffer, [buffer]);
        this.piece = new Int16Array(Math.round(PIECE_S * sampleRate));
        this.filled = 0;
      }
    }
    return true;
  }
}

registerProcessor("capture", Capture);
