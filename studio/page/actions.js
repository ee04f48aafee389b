// What a person can do to the marks, the same from keys, buttons and the pointer.

import * as marks from "./marks.js";
import { clamp, rounded } from "./dom.js";
import { commit, edit } from "./session.js";
import { say } from "./messages.js";
import { accents, beatAt, beats, select } from "./select.js";
import { emit, extent, frame, state } from "./store.js";
import { now, playing } from "./transport.js";

export { accents, beatAt, beats, select, selectNext } from "./select.js";

/** @param {"select"|"silence"|"person"} mode */
export function setMode(mode) {
  state.mode = state.mode === mode ? "select" : mode;
  emit("mode");
}

/** The place of the beat nearest to a time; -1 without beats. @param {number} time */
function nearest(time) {
  const list = beats();
  if (!list.length) return -1;
  return list.reduce((best, beat, i) => (Math.abs(beat.time - time) < Math.abs(list[best].time - time) ? i : best), 0);
}

/** The selected beat, or else the one nearest to the playhead. */
function meant() {
  return state.selection?.kind === "beat" ? beatAt(state.selection.time) : nearest(now());
}

/** @param {number} index @param {number} time */
export function moveBeat(index, time) {
  const change = marks.moveBeat(state.doc.marks, beats(), index, time, extent());
  if (edit(change, "move beat")) select({ kind: "beat", time: change.beats?.[index].time ?? time });
}

/** @param {number} time */
export function addBeat(time) {
  if (edit(marks.addBeat(state.doc.marks, beats(), time), "add beat")) select({ kind: "beat", time: rounded(time) });
}

export function downbeatHere() {
  const index = meant();
  if (index < 0) return say("There is no beat yet.", "error");
  edit(marks.downbeat(state.doc.marks, beats(), index), "downbeat here");
}

/** @param {0.5|2} factor */
export function changeTempo(factor) {
  const change = marks.changeTempo(state.doc.marks, factor);
  if (!change) return say("The beats are half or twice as fast as those that were found, not more.", "error");
  const done = edit(change, factor === 2 ? "beats twice as fast" : "beats half as fast");
  if (done && change.marks.beats?.length) say("Fixed beats stay where they are; the beats around them change. “As found” releases one, “Clear all” every mark.");
}

/** @param {number} time */
export function addHit(time) {
  if (edit(marks.addHit(state.doc.marks, time, state.hit), "add hit")) select({ kind: "hit", time: rounded(time) });
}

/** @param {number} time @param {Partial<import("./types.js").HitMark>} wanted */
export function changeHit(time, wanted) {
  const { from, to } = extent();
  const change = wanted.time === undefined ? wanted : { ...wanted, time: clamp(wanted.time, from, to) };
  const label = change.time === undefined ? "change hit" : "move hit";
  if (!edit(marks.changeHit(state.doc.marks, time, change), label)) return;
  if (change.time !== undefined) select({ kind: "hit", time: rounded(change.time) });
}

/** @param {number} from @param {number} to */
export function addSilence(from, to) {
  const { from: least, to: most } = extent();
  const change = marks.addSilence(state.doc.marks, clamp(from, least, most), clamp(to, least, most));
  if (edit(change, "add silence")) selectSilenceAt((from + to) / 2);
}

/** @param {number} time of its start @param {number} from @param {number} to */
export function changeSilence(time, from, to) {
  if (edit(marks.changeSilence(state.doc.marks, time, from, to), "change silence")) selectSilenceAt((from + to) / 2);
}

/** @param {number} time */
function selectSilenceAt(time) {
  const silence = (state.doc.marks.silences ?? []).find(({ from, to }) => from <= time && time <= to);
  select(silence ? { kind: "silence", time: silence.from } : null);
}

/** The loop becomes silent; without one, a silence is drawn with the pointer. */
export function silence() {
  if (state.loop) addSilence(state.loop.from, state.loop.to);
  else {
    setMode("silence");
    if (state.mode === "silence") say("Draw over the lanes what is to be silent. Esc ends it.");
  }
}

/** @param {number} time @param {number} to */
export function moveAccent(time, to) {
  const change = marks.moveAccent(state.doc.marks, accents(), time, clamp(to, extent().from, extent().to));
  if (edit(change, "move accent")) select({ kind: "accent", time: rounded(to) });
}

export function deleteSelected() {
  const { selection } = state;
  if (!selection) return say("Nothing is selected.");
  const { kind, time } = selection;
  const own = state.doc.marks;
  const done = {
    beat: () => beatAt(time) >= 0 && edit(marks.deleteBeat(own, beats(), beatAt(time)), "delete beat"),
    hit: () => edit(marks.deleteHit(own, time), "delete hit"),
    silence: () => edit(marks.deleteSilence(own, time), "delete silence"),
    accent: () => edit(marks.removeAccent(own, accents(), time), "remove accent"),
    removed: () => edit(marks.restoreAccent(own, time), "restore accent"),
  }[kind]();
  if (done) select(null);
}

/** Lets the program choose again where the selected beat or accent is. */
export function releaseSelected() {
  const { selection } = state;
  const own = state.doc.marks;
  if (selection?.kind === "beat") edit(marks.releaseBeat(own, selection.time), "release beat");
  else if (selection?.kind === "accent" || selection?.kind === "removed") edit(marks.restoreAccent(own, selection.time), "accent as found");
  else say("Select a fixed beat or an accent first.");
}

/** Moves what is selected. @param {number} seconds */
export function nudge(seconds) {
  const { selection } = state;
  if (!selection) return say("Select a beat, hit, silence or accent first: , and . go through the beats.");
  const { kind, time } = selection;
  if (kind === "beat" && beatAt(time) >= 0) moveBeat(beatAt(time), time + seconds);
  else if (kind === "hit") changeHit(time, { time: time + seconds });
  else if (kind === "accent") moveAccent(time, time + seconds);
  else if (kind === "silence") {
    const own = (state.doc.marks.silences ?? []).find(({ from }) => Math.abs(from - time) < 0.002);
    if (own) changeSilence(time, own.from + seconds, own.to + seconds);
  }
}

/** Times that have been tapped, in seconds of the media. @type {number[]} */
let taps = [];
let tapTimer = 0;
/** @type {Set<(taps: number[]) => void>} */
const tapListeners = new Set();
/** @param {(taps: number[]) => void} action */
export const onTap = (action) => tapListeners.add(action);

const tapsChanged = () => tapListeners.forEach((action) => action(taps));

/** A tap at the playhead. After a pause of two seconds, the taps become fixed beats. */
export function tap() {
  if (!playing()) return say("Tapping needs the video to play: space plays it.", "error");
  const time = now();
  const last = taps.at(-1);
  if (last !== undefined && (time <= last || time - last > 3)) taps = [];
  taps.push(time);
  tapsChanged();
  clearTimeout(tapTimer);
  tapTimer = window.setTimeout(endTaps, 2000);
}

/** Uses what has been tapped. */
export function endTaps() {
  clearTimeout(tapTimer);
  if (!taps.length) return;
  const used = taps;
  taps = [];
  tapsChanged();
  const change = marks.tapTempo(state.doc.marks, beats(), used);
  const line = marks.tapped(used);
  if (edit(change, "tapped tempo") && line) say(`Beats fixed at ${(60 / line.span).toFixed(1)} beats per minute.`);
}

/** Forgets what has been tapped. */
export function dropTaps() {
  clearTimeout(tapTimer);
  taps = [];
  tapsChanged();
}

export function clearMarks() {
  commit({ marks: marks.none() }, "clear all marks");
  select(null);
}

export const nudgeFine = 0.005;
export const nudgeFrame = () => frame();
