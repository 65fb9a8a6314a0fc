// Requests to the server; what goes wrong is an ApiError with the server's own words.

const MOST_KEPT_ALIVE = 16000; // browsers allow 64 KB in all

export class ApiError extends Error {
  constructor(status, body) {
    super(body.error ?? `the server said ${status}`);
    this.status = status;
  }

  // Whether a later try may do better: the server is lost, was started anew (it then wants its new
  // token) or for another project, or its disk is full.
  get passing() {
    return [0, 403, 412].includes(this.status) || this.status >= 500;
  }
}

// Why there are no samples.
export function whyNone(error) {
  return error.passing ? `${error.message}; trying again …` : error.message;
}

let project = {};

// From now on the server is told whose page this is: it may be another project's by then.
export function belongTo(id) {
  project = { "voiceface-project": id };
}

export async function get(path) {
  return answer(await reach(path));
}

export async function post(path, body) {
  const headers = { "content-type": "application/json", ...project };
  const text = JSON.stringify(body);
  const keepalive = text.length < MOST_KEPT_ALIVE; // it then arrives though the tab is closed
  return answer(await reach(path, { method: "POST", headers, keepalive, body: text }));
}

function reach(path, options) {
  return fetch(path, options).catch(() => {
    throw new ApiError(0, { error: "the server can't be reached" });
  });
}

async function answer(response) {
  const text = await response.text();
  let body;
  try {
    body = JSON.parse(text);
  } catch {
    body = { error: text.trim() };
  }
  if (!response.ok) throw new ApiError(response.status, body);
  return body;
}

// UUID of version 7 (RFC 9562): made here, so that a mark that is sent again is known.
export function uuid7() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  let ms = Date.now();
  for (let place = 5; place >= 0; place--) {
    bytes[place] = ms % 256;
    ms = Math.floor(ms / 256);
  }
  bytes[6] = 0x70 | (bytes[6] & 15);
  bytes[8] = 0x80 | (bytes[8] & 63);
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}
