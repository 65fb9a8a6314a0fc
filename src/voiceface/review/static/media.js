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
      media = sample.media ? load(`${sample.media}face.png`, `${sample.media}sound.flac`, `${sample.media}peaks`) : { image: null, audio: null, peaks: null };
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

// What was marked, of a sample that changed since.
export function loadBefore(url) {
  return load(`${url}webp`, `${url}ogg`, `${url}peaks`);
}

function load(face, sound, peaks) {
  const image = new Image();
  image.src = face;
  const decoded = image.decode().catch(() => {});
  const audio = new Audio();
  audio.preload = "auto";
  audio.preservesPitch = true;
  audio.src = sound;
  const media = { image, audio, decoded, peaks: null };
  media.ready = fetch(peaks)
    .then((response) => (response.ok ? response.arrayBuffer() : null))
    .then((data) => (media.peaks = data && new Int8Array(data)))
    .catch(() => null);
  return media;
}
