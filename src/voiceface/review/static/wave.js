// The sound's peaks on a canvas, with how far it was played.

export function draw(canvas, peaks, played) {
  const ratio = window.devicePixelRatio || 1;
  const width = Math.round(canvas.clientWidth * ratio);
  const height = Math.round(canvas.clientHeight * ratio);
  if (canvas.width !== width || canvas.height !== height) {
    canvas.width = width;
    canvas.height = height;
  }
  const pen = canvas.getContext("2d");
  pen.clearRect(0, 0, width, height);
  if (!peaks) return;
  const count = peaks.length / 2;
  const [done, rest] = colours();
  const highest = Math.max(8, ...peaks.map(Math.abs));
  const step = Math.max(2 * ratio, width / count);
  const middle = height / 2;
  for (let x = 0; x < width; x += step + ratio) {
    const from = Math.floor((x / width) * count);
    const to = Math.max(from + 1, Math.floor(((x + step) / width) * count));
    let low = 0;
    let high = 0;
    for (let place = from; place < to && place < count; place++) {
      low = Math.min(low, peaks[2 * place]);
      high = Math.max(high, peaks[2 * place + 1]);
    }
    const top = middle - (high / highest) * middle * 0.94;
    const bottom = middle - (low / highest) * middle * 0.94;
    pen.fillStyle = x / width < played ? done : rest;
    pen.fillRect(x, top, step, Math.max(ratio, bottom - top));
  }
}

const dark = matchMedia("(prefers-color-scheme: dark)");
let known = [];
dark.addEventListener("change", () => (known = []));

// Of what was played, and of what was not; asked for once, for it takes the browser long.
function colours() {
  if (!known.length) {
    const style = getComputedStyle(document.documentElement);
    known = ["--accent", "--wave"].map((name) => style.getPropertyValue(name));
  }
  return known;
}
