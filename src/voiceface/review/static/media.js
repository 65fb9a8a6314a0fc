// Faces, sounds and peaks of the next samples, fetched before they are wanted.

const MOST = 12; // samples

export class Media {
  constructor() {
    this.known = new Map();
  }

  // {image, audio, peaks: promise of an Int8Array of low, high, low, …}
  of(sample) {
    const key = sample.content || sample.sample;
    let media = this.known.get(key);
    if (!media) {
      media = sample.media ? load(sample.media) : { image: null, audio: null, peaks: null };
      this.known.set(key, media);
      for (const [old, one] of this.known) {
        if (this.known.size <= MOST) break;
        if (old !== key) this.forget(old, one);
      }
    }
    return media;
  }

  forget(key, media) {
    media.audio?.pause();
    media.audio?.removeAttribute("src");
    this.known.delete(key);
  }
}

function load(url) {
  const image = new Image();
  image.src = `${url}face.png`;
  const decoded = image.decode().catch(() => {});
  const audio = new Audio();
  audio.preload = "auto";
  audio.preservesPitch = true;
  audio.src = `${url}sound.flac`;
  const media = { image, audio, decoded, peaks: null, missing: false };
  media.ready = fetch(`${url}peaks`)
    .then((response) => (response.ok ? response.arrayBuffer() : null))
    .then((data) => (media.peaks = data && new Int8Array(data)))
    .catch(() => null);
  return media;
}
