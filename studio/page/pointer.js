// The pointer on lanes and ruler: select, drag, draw, scrub, loop, zoom.

import * as actions from "./actions.js";
import { byId, clamp, words } from "./dom.js";
import { bars } from "./draw-analysis.js";
import { laneAt, setGhost } from "./lanes.js";
import { beatRange, isFixed } from "./marks.js";
import { extent, on, state } from "./store.js";
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
    const time = nearestTo(actions.beats().map((beat) => beat.time), x);
    return time === null ? null : { kind: "beat", time };
  }
  if (lane === "accents") {
    const time = nearestTo(actions.accents().map((accent) => accent.time), x);
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
    const beat = bars(actions.beats())[actions.beatAt(found.time)];
    return beat ? `Beat ${beat.bar}.${beat.number}, ${found.time.toFixed(3)} s${isFixed(marks, found.time) ? ", fixed" : ""}` : "";
  }
  if (found?.kind === "accent") {
    const accent = actions.accents().find(({ time }) => time === found.time);
    return accent ? `${words(accent.part)}: ${accent.kind === "impact" ? (accent.impact ?? "impact") : "fast movement"}, ${Math.round(accent.strength * 100)} %, ${found.time.toFixed(3)} s` : "";
  }
  if (found?.kind === "removed") return "Removed accent: Delete restores it";
  const lane = laneAt(y);
  const time = timeOf(x);
  if (lane?.id === "notes") {
    const playing = (state.analysis?.notes ?? []).filter((note) => note.time <= time && time < note.end);
    return playing.map((note) => `${note.part} ${pitch(note.pitch)}`).join(", ");
  }
  const drum = state.analysis?.drums.find((hit) => lane?.id === `drum:${hit.class}` && Math.abs(xOf(hit.time) - x) < 5);
  return lane && drum ? `${lane.label}, ${Math.round(drum.velocity * 100)} %, ${drum.time.toFixed(3)} s` : "";
}

/** A pitch of MIDI by name: 60 is C4. @param {number} number */
const pitch = (number) => ["C", "C♯", "D", "E♭", "E", "F", "F♯", "G", "A♭", "A", "B♭", "B"][number % 12] + (Math.floor(number / 12) - 1);

/** Where a drag would put its thing. @param {Drag} from @param {number} x */
function dragged(from, x) {
  const time = from.time + span(x - from.x);
  if (from.kind !== "beat") return clamp(time, extent().from, extent().to);
  const index = actions.beatAt(from.time);
  if (index < 0) return from.time;
  const range = beatRange(actions.beats(), index, extent());
  return clamp(time, range.from, Math.max(range.from, range.to));
}

/** @param {number} time of its start */
const silenceAt = (time) => (state.doc.marks.silences ?? []).find(({ from }) => Math.abs(from - time) < 0.002);

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
    actions.select(null);
    seek(timeOf(x));
  } else if (found) {
    actions.select({ kind: kind === "from" || kind === "to" ? "silence" : /** @type {any} */ (kind), time: found.time });
  }
}

/** @param {PointerEvent} event */
function move(event) {
  const { x, y } = place(event, box);
  if (!drag) {
    const found = under(x, y);
    const about = describe(found, x, y);
    if (box.title !== about) box.title = about;
    box.style.cursor = state.mode === "silence" ? "crosshair" : !found ? "default" : found.kind === "removed" || found.kind === "silence" ? "pointer" : "ew-resize";
    return;
  }
  if (!drag.moved && Math.abs(x - drag.x) < DRAG) return;
  drag.moved = true;
  const time = timeOf(x);
  if (drag.kind === "scrub") seek(time);
  else if (drag.kind === "draw") setGhost({ kind: "silence", time: drag.time, to: time });
  else if (drag.kind === "from" || drag.kind === "to" || drag.kind === "silence") {
    const { from, to } = silenceTo(drag, x);
    setGhost({ kind: "silence", time: from, to });
  } else if (drag.kind !== "removed") setGhost({ kind: drag.kind, time: dragged(drag, x), lane: drag.lane });
}

/** A silence whose edge, or which itself, is dragged. @param {Drag} from @param {number} x */
function silenceTo(from, x) {
  const own = silenceAt(from.time) ?? { from: from.time, to: from.time };
  const by = span(x - from.x);
  return { from: from.kind === "to" ? own.from : own.from + by, to: from.kind === "from" ? own.to : own.to + by };
}

/** @param {PointerEvent} event */
function up(event) {
  const done = drag;
  drag = null;
  setGhost(null);
  if (!done?.moved) return;
  const { x } = place(event, box);
  const time = dragged(done, x);
  if (done.kind === "beat") actions.moveBeat(actions.beatAt(done.time), time);
  else if (done.kind === "accent") actions.moveAccent(done.time, time);
  else if (done.kind === "hit") actions.changeHit(done.time, { time });
  else if (done.kind === "draw") {
    actions.addSilence(done.time, timeOf(x));
    actions.setMode("select");
  } else if (done.kind === "from" || done.kind === "to" || done.kind === "silence") {
    const { from, to } = silenceTo(done, x);
    if (to > from) actions.changeSilence(done.time, from, to);
  }
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
  if (under(x, y)) return;
  if (lane === "beats") actions.addBeat(timeOf(x));
  if (lane === "marks") actions.addHit(timeOf(x));
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

export function begin() {
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
  on("mode", () => box.classList.toggle("drawing", state.mode === "silence"));
}
