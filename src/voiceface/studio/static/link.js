// The socket to the server: what was said lives as long as it does.

export class Link {
  // `on` has a function for each kind of message, and `lost` for the end.
  constructor(on) {
    this.on = on;
  }

  // Promise of an open socket.
  open() {
    if (this.socket?.readyState === WebSocket.OPEN) return Promise.resolve();
    this.number = 0; // of the recording, as the server counts them
    return new Promise((done, failed) => {
      const socket = (this.socket = new WebSocket(`ws://${location.host}/live`));
      socket.binaryType = "arraybuffer";
      socket.onopen = done;
      socket.onmessage = ({ data }) => (typeof data === "string" ? this.take(JSON.parse(data)) : this.on.file(data));
      socket.onclose = ({ reason }) => {
        const error = new Error(reason || "the server can't be reached; start `voiceface studio` again, and open the address that it prints");
        failed(error);
        this.on.lost(error);
      };
    });
  }

  // What is still told of an earlier recording is of no use.
  take(message) {
    if (!this.left && message.recording === this.number) this.on[message.kind](message);
  }

  // Takes nothing more of the recording there is; the next may wait for the microphone.
  leave() {
    this.left = true;
  }

  // Begins a recording, or a file.
  begin(words) {
    this.left = false;
    this.number++;
    this.tell(words);
  }

  tell(words) {
    this.socket.send(JSON.stringify(words));
  }

  send(bytes) {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(bytes);
  }
}
