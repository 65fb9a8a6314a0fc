// The socket to the server: what was said lives as long as it does.

export class Link {
  // `on` has a function for each kind of message, and `lost` for the end.
  constructor(on) {
    this.on = on;
  }

  // Promise of an open socket.
  open() {
    if (this.socket?.readyState === WebSocket.OPEN) return Promise.resolve();
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

  take(message) {
    this.on[message.kind](message);
  }

  tell(words) {
    this.socket.send(JSON.stringify(words));
  }

  send(bytes) {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(bytes);
  }
}
