// Talks to the program: requests, and the events that it sends.

/** @typedef {import("./types.js").ServerState} ServerState */

/** An answer that is an error, with the program's sentence. */
export class ApiError extends Error {
  /** @param {string} message @param {number} status 0: there was no answer @param {string|null} field */
  constructor(message, status, field = null) {
    super(message);
    this.status = status;
    this.field = field;
  }
  /** Whether there was no answer at all. */
  get lost() {
    return this.status === 0;
  }
}

/** @param {string} path @param {RequestInit} [options] @returns {Promise<Response>} */
async function request(path, options) {
  let answer;
  try {
    answer = await fetch(path, options);
  } catch (error) {
    if (/** @type {any} */ (error).name === "AbortError") throw error;
    throw new ApiError("The program does not answer.", 0);
  }
  if (answer.ok) return answer;
  let message = `The program answered ${path} with ${answer.status} ${answer.statusText}.`;
  let field = null;
  try {
    const body = await answer.json();
    if (body.error) message = body.error;
    field = body.field ?? null;
  } catch {
    // Not JSON: the status is all there is to say.
  }
  throw new ApiError(message, answer.status, field);
}

/** @param {string} path @param {AbortSignal} [signal] @returns {Promise<any>} */
export const getJson = async (path, signal) => (await request(path, { signal })).json();

/** @param {string} path @param {AbortSignal} [signal] @returns {Promise<ArrayBuffer>} */
export const getBytes = async (path, signal) => (await request(path, { signal })).arrayBuffer();

/** @param {string} path @param {any} body @returns {Promise<any>} */
export async function post(path, body) {
  const headers = { "Content-Type": "application/json" };
  const answer = await request(path, { method: "POST", headers, body: JSON.stringify(body) });
  const text = await answer.text();
  return text ? JSON.parse(text) : {};
}

/** Waits between attempts to connect again, in seconds; the last one is repeated. */
const WAITS = [0.5, 1, 2, 3, 5];

/** Follows the program's events, and connects again when the connection is lost. */
export class Events {
  /**
   * @param {(state: ServerState) => void} onState
   * @param {(connected: boolean, wait: number) => void} onConnection with the seconds until the next attempt
   */
  constructor(onState, onConnection) {
    this.onState = onState;
    this.onConnection = onConnection;
    this.attempts = 0;
    this.timer = 0;
    this.open();
  }

  open() {
    clearTimeout(this.timer);
    this.source?.close();
    const source = new EventSource("api/events");
    this.source = source;
    source.addEventListener("open", () => {
      this.attempts = 0;
      this.onConnection(true, 0);
    });
    source.addEventListener("state", (event) => this.onState(JSON.parse(event.data)));
    source.addEventListener("error", () => {
      if (this.source !== source) return;
      source.close();
      const wait = WAITS[Math.min(this.attempts, WAITS.length - 1)];
      this.attempts += 1;
      this.onConnection(false, wait);
      clearTimeout(this.timer);
      this.timer = window.setTimeout(() => this.open(), wait * 1000);
    });
  }
}
