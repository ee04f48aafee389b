// Choosing the person in the video whom the music follows.

import { setMode } from "./actions.js";
import { getJson } from "./api.js";
import { media } from "./clock.js";
import { byId } from "./dom.js";
import { above, before, draw, fitted } from "./overlay.js";
import { followPersonAt, report } from "./session.js";
import { say } from "./messages.js";
import { emit, frame, on, state } from "./store.js";
import { now } from "./transport.js";

/** @type {HTMLCanvasElement} */
const canvas = byId("overlay");

/** The box of a person at a time. @param {import("./types.js").People[number]} person @param {number} time */
function boxAt(person, time) {
  const at = before(person.times, time + frame() / 2);
  const near = [at, at + 1].filter((i) => i >= 0 && i < person.times.length);
  const best = near.sort((a, b) => Math.abs(person.times[a] - time) - Math.abs(person.times[b] - time))[0];
  return best === undefined || Math.abs(person.times[best] - time) > 0.3 ? null : person.boxes[best];
}

/** The person under the pointer. @type {number|null} */
let hovered = null;

/** @param {CanvasRenderingContext2D} context @param {number} time @param {(x: number, y: number) => number[]} place */
function drawPeople(context, time, place) {
  if (state.mode !== "person") return;
  for (const person of state.people ?? []) {
    const box = boxAt(person, time);
    if (!box) continue;
    const [left, top] = place(box[0], box[1]);
    const [right, bottom] = place(box[2], box[3]);
    const chosen = hovered === person.person;
    context.strokeStyle = chosen ? "#fff" : "rgba(255, 255, 255, 0.75)";
    context.lineWidth = chosen ? 3 : 2;
    context.fillStyle = chosen ? "rgba(255, 255, 255, 0.18)" : "rgba(255, 255, 255, 0.06)";
    context.beginPath();
    context.roundRect(left, top, right - left, bottom - top, 6);
    context.fill();
    context.stroke();
    context.fillStyle = "rgba(10, 12, 18, 0.75)";
    context.beginPath();
    context.roundRect(left + 6, top + 6, 24, 22, 5);
    context.fill();
    context.fillStyle = "#fff";
    context.font = "600 13px system-ui, sans-serif";
    context.textAlign = "center";
    context.fillText(String(person.person), left + 18, top + 22);
    context.textAlign = "left";
  }
}

/** A place in the picture, in its pixels; null outside it. @param {PointerEvent} event */
function inPicture(event) {
  const fit = fitted();
  const { left, top } = canvas.getBoundingClientRect();
  const x = (event.clientX - left - fit.left) / fit.scale;
  const y = (event.clientY - top - fit.top) / fit.scale;
  const clip = state.clip;
  return clip && x >= 0 && y >= 0 && x <= clip.width && y <= clip.height ? { x, y } : null;
}

/** @param {PointerEvent} event */
function hover(event) {
  if (state.mode !== "person") return;
  const at = inPicture(event);
  const found = at && (state.people ?? []).find((person) => {
    const box = boxAt(person, now());
    return box && at.x >= box[0] && at.x <= box[2] && at.y >= box[1] && at.y <= box[3];
  });
  const before = hovered;
  hovered = found ? found.person : null;
  if (hovered !== before) draw();
}

/** @param {PointerEvent} event */
async function click(event) {
  if (state.mode !== "person") return;
  const at = inPicture(event);
  if (!at) return;
  if (await followPersonAt(now(), at.x, at.y)) setMode("select");
}

/** The people who can be chosen; they are looked for the first time. */
async function loadPeople() {
  if (state.people) return;
  say("Looking for people…");
  try {
    state.people = await getJson("api/people");
    say(`${state.people?.length ?? 0} can be followed: click on one, or press the number. Esc ends it.`);
    emit("mode");
  } catch (error) {
    report(error);
  }
}

export function begin() {
  above(drawPeople);
  on("mode", () => {
    canvas.parentElement?.classList.toggle("choosing", state.mode === "person");
    if (state.mode !== "person") return;
    media().pause();
    loadPeople();
  });
  canvas.addEventListener("pointermove", hover);
  canvas.addEventListener("click", /** @type {any} */ (click));
}
