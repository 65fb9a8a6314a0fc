// Requests to the server; what goes wrong is an ApiError with the server's own words.

export class ApiError extends Error {
  constructor(status, body) {
    super(body.error ?? `the server said ${status}`);
    this.status = status;
    this.code = body.code ?? "";
  }
}

export async function get(path) {
  return answer(await fetch(path));
}

export async function post(path, body, options = {}) {
  const headers = { "content-type": "application/json" };
  return answer(await fetch(path, { ...options, method: "POST", headers, body: JSON.stringify(body) }));
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
