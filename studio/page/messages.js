// Short messages, which are also read out by screen readers.

import { byId } from "./dom.js";

let timer = 0;

/** Takes the message away. */
export function hush() {
  clearTimeout(timer);
  byId("message").className = "message";
}

/** @param {string} text @param {"note"|"error"} [kind] */
export function say(text, kind = "note") {
  const box = byId("message");
  box.textContent = text;
  box.className = `message shown ${kind}`;
  clearTimeout(timer);
  timer = window.setTimeout(() => (box.className = "message"), kind === "error" ? 9000 : 3500);
}
