// The sound on a canvas, frame by frame, in the colour of what was found in it.

const COLOURS = ["--wave", "--voiced", "--accent"]; // nothing, voiced, speech: as in listener.py
const LEAST = 16; // of 128: a quiet room is not drawn as if somebody shouted
const WIDTH_S = 6; // at least so much sound is as wide as the canvas

export class Wave {
  constructor(canvas, frame_s) {
    this.canvas = canvas;
    this.least = Math.round(WIDTH_S / frame_s);
    this.clear();
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => ((this.colours = null), this.later()));
    new ResizeObserver(() => this.later()).observe(canvas);
  }

  clear() {
    this.low = [];
    this.high = [];
    this.kinds = [];
    this.later();
  }

  add({ low, high, kinds }) {
    for (const [mine, theirs] of [[this.low, low], [this.high, high], [this.kinds, kinds]]) for (const one of theirs) mine.push(one);
    this.later();
  }

  later() {
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null;
      this.draw();
    });
  }

  draw() {
    const { canvas } = this;
    const ratio = devicePixelRatio || 1;
    const width = (canvas.width = Math.round(canvas.clientWidth * ratio));
    const height = (canvas.height = Math.round(canvas.clientHeight * ratio));
    const pen = canvas.getContext("2d");
    this.colours ??= COLOURS.map((name) => getComputedStyle(canvas).getPropertyValue(name));
    const count = Math.max(this.least, this.kinds.length);
    const loudest = Math.max(LEAST, ...this.high, ...this.low.map((value) => -value));
    const middle = height / 2;
    for (let place = 0; place < this.kinds.length; place++) {
      const left = (place / count) * width;
      const top = middle - (this.high[place] / loudest) * middle * 0.92;
      const bottom = middle - (this.low[place] / loudest) * middle * 0.92;
      pen.fillStyle = this.colours[this.kinds[place]];
      pen.fillRect(left, top, Math.max(ratio, width / count - ratio / 2), Math.max(ratio, bottom - top));
    }
  }
}
