// The microphone, as it is: no echo is taken off and nothing made louder, as in the dataset.

const ASKED = { audio: { channelCount: 1, echoCancellation: false, noiseSuppression: false, autoGainControl: false } };

export class Microphone {
  // Asks for it; `hear` gets pieces of sound (ArrayBuffer of 16-bit samples), `gone` is called when it
  // is unplugged, or no longer allowed.
  static async open(hear, gone) {
    if (!navigator.mediaDevices) throw new Error("this browser gives no microphone to this page; open it by its printed address");
    const stream = await navigator.mediaDevices.getUserMedia(ASKED).catch((error) => {
      throw new Error(whyNot(error));
    });
    for (const track of stream.getTracks()) track.onended = gone;
    const context = new AudioContext();
    await context.audioWorklet.addModule("/static/capture.js");
    const node = new AudioWorkletNode(context, "capture");
    const microphone = new Microphone(stream, context, node);
    node.port.onmessage = ({ data }) => {
      microphone.count(data.byteLength / 2);
      hear(data);
    };
    context.createMediaStreamSource(stream).connect(node).connect(context.destination); // silence
    await context.resume();
    return microphone;
  }

  constructor(stream, context, node) {
    Object.assign(this, { stream, context, node, samples: 0, pieces: [] });
  }

  count(samples) {
    this.samples += samples;
    this.pieces.push({ until_s: this.samples / this.rate, at: performance.now() });
  }

  // When the page had heard so many seconds, by its own clock.
  heardAt(seconds) {
    const piece = this.pieces.find(({ until_s }) => until_s >= seconds);
    return piece && piece.at - 1000 * (piece.until_s - seconds);
  }

  get rate() {
    return this.context.sampleRate;
  }

  close() {
    this.node.port.onmessage = null;
    for (const track of this.stream.getTracks()) track.stop();
    this.context.close();
  }
}

function whyNot({ name, message }) {
  if (name === "NotAllowedError") return "the microphone was not allowed; allow it beside the address, or take a file";
  if (name === "NotFoundError") return "no microphone was found; take a file";
  return `the microphone can't be had (${message}); take a file`;
}
