// The socket to the console node: shows its token, asks, and hands on what comes.

const AGAIN_MS = 1000, PATIENCE_MS = 45000;

export class Link {
  // `handlers`: frame(DataView), meshes(ArrayBuffer), message(object), opened(), closed(text, again)
  constructor(token, handlers) {
    this.token = token;
    this.handlers = handlers;
    this.pending = new Map();
    this.number = 0;
    this.connect();
  }

  get open() { return this.socket.readyState === WebSocket.OPEN; }

  connect() {
    const socket = this.socket = new WebSocket(`ws://${location.host}/socket`);
    socket.binaryType = "arraybuffer";
    socket.onopen = () => { socket.send(JSON.stringify({ token: this.token })); };
    socket.onmessage = (event) => this.take(event.data);
    socket.onclose = (event) => {
      for (const done of this.pending.values()) done({ ok: false, text: "the connection was lost before an answer came" });
      this.pending.clear();
      const again = event.code !== 4401;
      this.handlers.closed(event.reason, again);
      if (again) setTimeout(() => this.connect(), AGAIN_MS);
    };
  }

  take(data) {
    if (typeof data !== "string") {
      const view = new DataView(data);
      if (view.getUint16(0, true) === 2) this.handlers.meshes(data.slice(4));
      else this.handlers.frame(view);
      return;
    }
    const message = JSON.parse(data);
    if (message.kind === "answer" && this.pending.has(message.id)) {
      this.pending.get(message.id)(message);
      this.pending.delete(message.id);
    } else this.handlers.message(message);
  }

  // What comes of a control: {ok, text}.
  ask(name, options = {}) {
    if (!this.open) return Promise.resolve({ ok: false, text: "not asked: there is no connection to the stack" });
    const id = ++this.number;
    return new Promise((done) => {
      this.pending.set(id, done);
      setTimeout(() => {
        if (this.pending.delete(id)) done({ ok: false, text: "no answer came; look at the state of the stack" });
      }, PATIENCE_MS);
      this.socket.send(JSON.stringify({ ...options, do: name, id }));
    });
  }
}
