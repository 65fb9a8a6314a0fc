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
  const style = getComputedStyle(canvas);
  pen.clearRect(0, 0, width, height);
  if (!peaks) return;
  const count = peaks.length / 2;
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
    pen.fillStyle = x / width < played ? style.getPropertyValue("--accent") : style.getPropertyValue("--wave");
    pen.fillRect(x, top, step, Math.max(ratio, bottom - top));
  }
}
