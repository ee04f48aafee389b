// The pointer on lanes and ruler: select, scrub, loop, zoom; drags that change something are in drags.js.

import { byId, clamp, words } from "./dom.js";
import { bars } from "./draw-analysis.js";
import { laneAt, setGhost } from "./lanes.js";
import { isFixed } from "./marks.js";
import { accents, beatAt, beats, select } from "./select.js";
import { extent, state } from "./store.js";
import { now, playing, seek, setLoop } from "./transport.js";
import { scroll, span, timeOf, xOf, zoom } from "./view.js";

const box = byId("lanes");
const ruler = byId("ruler-box");
/** How near the pointer must be, and how far it must move for a drag, in CSS pixels. */
const REACH = 9;
const DRAG = 3;

/** @typedef {{kind: "beat"|"accent"|"removed"|"hit"|"silence"|"from"|"to"|"draw"|"scrub", time: number, x: number, moved: boolean, lane: string}} Drag */
/** @type {Drag|null} */
let drag = null;
/**
 * What drags change.
 * @typedef {object} Edits
 * @property {(drag: Drag, x: number) => import("./lanes.js").Ghost|null} ghost what a drag shows on its way
 * @property {(drag: Drag, x: number) => void} drop
 * @property {(lane: string, time: number) => void} twice a double click
 */
/** Null: nothing can be changed. @type {Edits|null} */
let edits = null;

/** @param {PointerEvent|MouseEvent|WheelEvent} event @param {HTMLElement} element */
function place(event, element) {
  const { left, top } = element.getBoundingClientRect();
  return { x: event.clientX - left, y: event.clientY - top };
}

/** The nearest of some times to a place. @param {number[]} times @param {number} x @returns {number|null} */
function nearestTo(times, x) {
  let best = null;
  for (const time of times) {
    const off = Math.abs(xOf(time) - x);
    if (off <= REACH && (best === null || off < Math.abs(xOf(best) - x))) best = time;
  }
  return best;
}

/** What is under the pointer. @param {number} x @param {number} y @returns {{kind: Drag["kind"], time: number}|null} */
function under(x, y) {
  const lane = laneAt(y)?.id;
  const marks = state.doc.marks;
  if (lane === "beats") {
    const time = nearestTo(beats().map((beat) => beat.time), x);
    return time === null ? null : { kind: "beat", time };
  }
  if (lane === "accents") {
    const time = nearestTo(accents().map((accent) => accent.time), x);
    if (time !== null) return { kind: "accent", time };
    const removed = nearestTo(marks.accents?.removed ?? [], x);
    return removed === null ? null : { kind: "removed", time: removed };
  }
  if (lane === "marks") {
    const hit = nearestTo((marks.hits ?? []).map(({ time }) => time), x);
    if (hit !== null) return { kind: "hit", time: hit };
    for (const { from, to } of marks.silences ?? []) {
      if (Math.abs(xOf(from) - x) < 5) return { kind: "from", time: from };
      if (Math.abs(xOf(to) - x) < 5) return { kind: "to", time: from };
      if (xOf(from) < x && x < xOf(to)) return { kind: "silence", time: from };
    }
  }
  return null;
}

/** What is under the pointer, in words. @param {ReturnType<typeof under>} found @param {number} x @param {number} y */
function describe(found, x, y) {
  const marks = state.doc.marks;
  if (found?.kind === "beat") {
    const beat = bars(beats())[beatAt(found.time)];
    return beat ? `Beat ${beat.bar}.${beat.number}, ${found.time.toFixed(3)} s${isFixed(marks, found.time) ? ", fixed" : ""}` : "";
  }
  if (found?.kind === "accent") {
    const accent = accents().find(({ time }) => time === found.time);
    return accent ? `${words(accent.part)}: ${accent.kind === "impact" ? (accent.impact ?? "impact") : "fast movement"}, ${Math.round(accent.strength * 100)} %, ${found.time.toFixed(3)} s` : "";
  }
  if (found?.kind === "removed") return edits ? "Removed accent: Delete restores it" : "Removed accent";
  const lane = laneAt(y);
  const time = timeOf(x);
  if (lane?.id === "notes") {
    const playing = (state.analysis?.notes ?? []).filter((note) => note.time <= time && time < note.end);
    return playing.map((note) => `${note.part} ${pitch(note.pitch)}`).join(", ");
  }
  const drum = state.analysis?.drums?.find((hit) => lane?.id === `drum:${hit.class}` && Math.abs(xOf(hit.time) - x) < 5);
  return lane && drum ? `${lane.label}, ${Math.round(drum.velocity * 100)} %, ${drum.time.toFixed(3)} s` : "";
}

/** A pitch of MIDI by name: 60 is C4. @param {number} number */
const pitch = (number) => ["C", "C♯", "D", "E♭", "E", "F", "F♯", "G", "A♭", "A", "B♭", "B"][number % 12] + (Math.floor(number / 12) - 1);

/** @param {PointerEvent} event */
function down(event) {
  if (event.button !== 0 || !state.clip) return;
  box.setPointerCapture(event.pointerId);
  const { x, y } = place(event, box);
  const lane = laneAt(y)?.id ?? "";
  const found = state.mode === "silence" ? null : under(x, y);
  const kind = state.mode === "silence" ? "draw" : (found?.kind ?? "scrub");
  drag = { kind, time: found?.time ?? timeOf(x), x, moved: false, lane };
  if (kind === "scrub") {
    select(null);
    seek(timeOf(x));
  } else if (found) {
    select({ kind: kind === "from" || kind === "to" ? "silence" : /** @type {any} */ (kind), time: found.time });
    if (!edits) {
      seek(found.time);
      drag.kind = "scrub";
    }
  }
}

/** @param {PointerEvent} event */
function move(event) {
  const { x, y } = place(event, box);
  if (!drag) {
    const found = under(x, y);
    const about = describe(found, x, y);
    if (box.title !== about) box.title = about;
    box.style.cursor = state.mode === "silence" ? "crosshair" : !found ? "default" : !edits || found.kind === "removed" || found.kind === "silence" ? "pointer" : "ew-resize";
    return;
  }
  if (!drag.moved && Math.abs(x - drag.x) < DRAG) return;
  drag.moved = true;
  if (drag.kind === "scrub") seek(timeOf(x));
  else if (edits) setGhost(edits.ghost(drag, x));
}

/** @param {PointerEvent} event */
function up(event) {
  const done = drag;
  drag = null;
  setGhost(null);
  if (done?.moved) edits?.drop(done, place(event, box).x);
}

/** Gives up what the pointer has begun; whether there was anything. */
export function abandon() {
  const had = drag !== null;
  drag = null;
  setGhost(null);
  return had;
}

/** @param {MouseEvent} event */
function twice(event) {
  const { x, y } = place(event, box);
  const lane = laneAt(y)?.id;
  if (lane && !under(x, y)) edits?.twice(lane, timeOf(x));
}

/** @param {WheelEvent} event */
function wheel(event) {
  event.preventDefault();
  const { x } = place(event, box);
  if (event.ctrlKey || event.metaKey) return zoom(Math.exp(clamp(event.deltaY, -100, 100) / 250), timeOf(x));
  const by = Math.abs(event.deltaX) > Math.abs(event.deltaY) ? event.deltaX : event.deltaY;
  scroll(span(by));
}

/** Where a drag on the ruler began, and the end of the loop that stays. @type {{x: number, anchor: number, moved: boolean}|null} */
let loopDrag = null;

/** @param {PointerEvent} event */
function rulerDown(event) {
  if (event.button !== 0 || !state.clip) return;
  ruler.setPointerCapture(event.pointerId);
  const { x } = place(event, ruler);
  const { loop } = state;
  let anchor = timeOf(x);
  if (loop && Math.abs(xOf(loop.from) - x) < 6) anchor = loop.to;
  else if (loop && Math.abs(xOf(loop.to) - x) < 6) anchor = loop.from;
  loopDrag = { x, anchor, moved: false };
}

/** @param {PointerEvent} event */
function rulerMove(event) {
  const { x } = place(event, ruler);
  if (!loopDrag) {
    const edge = state.loop && [state.loop.from, state.loop.to].some((time) => Math.abs(xOf(time) - x) < 6);
    ruler.style.cursor = edge ? "ew-resize" : "pointer";
    return;
  }
  if (!loopDrag.moved && Math.abs(x - loopDrag.x) < DRAG) return;
  loopDrag.moved = true;
  const { from, to } = extent();
  const time = clamp(timeOf(x), from, to);
  setLoop({ from: Math.max(from, Math.min(time, loopDrag.anchor)), to: Math.min(to, Math.max(time, loopDrag.anchor)) });
}

/** @param {PointerEvent} event */
function rulerUp(event) {
  const done = loopDrag;
  loopDrag = null;
  if (!done) return;
  if (!done.moved) seek(timeOf(place(event, ruler).x));
  else if (state.loop && playing() && (now() < state.loop.from || now() > state.loop.to)) seek(state.loop.from);
}

/** @param {Edits|null} changes */
export function begin(changes) {
  edits = changes;
  box.addEventListener("pointerdown", down);
  box.addEventListener("pointermove", move);
  box.addEventListener("pointerup", up);
  box.addEventListener("pointercancel", abandon);
  box.addEventListener("dblclick", twice);
  ruler.addEventListener("pointerdown", rulerDown);
  ruler.addEventListener("pointermove", rulerMove);
  ruler.addEventListener("pointerup", rulerUp);
  ruler.addEventListener("dblclick", () => setLoop(null));
  for (const element of [box, ruler]) element.addEventListener("wheel", wheel, { passive: false });
}
