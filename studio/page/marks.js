// Edits of marks. Each returns marks of its own and, for beats and accents, how the lanes are to
// look until the program has answered. Nothing here changes its arguments.
//
// The beats that the program found are a line through which fixed beats are threaded; beyond the
// outermost fixed ones it goes on at their mean pace. An edit of a single beat therefore fixes its
// neighbours, so that they stay, and the first and the last beat, so that the pace does too.

import { clamp, rounded } from "./dom.js";

/** @typedef {import("./types.js").Marks} Marks */
/** @typedef {import("./types.js").Beat} Beat */
/** @typedef {import("./types.js").BeatMark} BeatMark */
/** @typedef {import("./types.js").Accent} Accent */
/** @typedef {{marks: Marks, beats?: Beat[], accents?: Accent[]}} Edit */

/** Least span between two fixed beats, two hits, and from start to end of a silence, in seconds. */
export const GAP = { beat: 0.1, hit: 0.05, silence: 0.05 };
/** Two times are of the same beat or accent within this, in seconds. */
const SAME = 0.002;
/** The program takes an accent for the one of a mark within this, in seconds. */
const SAME_ACCENT = 0.05;

/** @param {number} a @param {number} b */
const near = (a, b) => Math.abs(a - b) <= SAME;

/** @returns {Marks} */
export const none = () => ({ format: "kinescore-marks", version: 1 });

/** In rising order and without empty fields, as the program writes it. @param {Marks} marks @returns {Marks} */
export function tidy(marks) {
  /** @type {Marks} */
  const tidied = { format: "kinescore-marks", version: 1 };
  /** @param {{time: number}} a @param {{time: number}} b */
  const byTime = (a, b) => a.time - b.time;
  if (marks.beats?.length) tidied.beats = [...marks.beats].sort(byTime);
  if (marks.hits?.length) tidied.hits = [...marks.hits].sort(byTime);
  if (marks.silences?.length) tidied.silences = [...marks.silences].sort((a, b) => a.from - b.from);
  if (marks.tempo_factor && Number(marks.tempo_factor) !== 1) tidied.tempo_factor = marks.tempo_factor;
  const removed = [...(marks.accents?.removed ?? [])].sort((a, b) => a - b);
  const moved = [...(marks.accents?.moved ?? [])].sort((a, b) => a.from - b.from);
  if (removed.length || moved.length) {
    tidied.accents = { ...(removed.length && { removed }), ...(moved.length && { moved }) };
  }
  return tidied;
}

/** The number of fixed beats, hits and so on. @param {Marks} marks */
export function count(marks) {
  const { removed = [], moved = [] } = marks.accents ?? {};
  const lists = [marks.beats ?? [], marks.hits ?? [], marks.silences ?? [], removed, moved];
  return lists.reduce((sum, list) => sum + list.length, 0) + (Number(marks.tempo_factor ?? 1) === 1 ? 0 : 1);
}

/** Every mark as text, what selecting it selects, and the marks without it. @param {Marks} marks */
export function listed(marks) {
  /** @param {string} field @param {any[]} list @param {number} index */
  const without = (field, list, index) => tidy({ ...marks, [field]: list.filter((_, i) => i !== index) });
  /** @type {{time: number, text: string, selection: import("./types.js").Selection|null, without: any}[]} */
  const rows = [];
  (marks.hits ?? []).forEach((hit, i) => rows.push({ time: hit.time, text: `Hit${hit.label ? ` “${hit.label}”` : ""}`, selection: { kind: "hit", time: hit.time }, without: without("hits", marks.hits ?? [], i) }));
  (marks.silences ?? []).forEach((silence, i) => rows.push({ time: silence.from, text: `Silence to ${silence.to.toFixed(2)} s`, selection: { kind: "silence", time: silence.from }, without: without("silences", marks.silences ?? [], i) }));
  (marks.beats ?? []).forEach((beat, i) => rows.push({ time: beat.time, text: `Beat${beat.number ? (beat.number === "downbeat" || beat.number === 1 ? ", downbeat" : `, number ${beat.number}`) : ""}`, selection: { kind: "beat", time: beat.time }, without: without("beats", marks.beats ?? [], i) }));
  const { removed = [], moved = [] } = marks.accents ?? {};
  removed.forEach((time) => rows.push({ time, text: "Accent removed", selection: { kind: "removed", time }, without: tidy({ ...marks, accents: { moved, removed: removed.filter((other) => other !== time) } }) }));
  moved.forEach((entry) => rows.push({ time: entry.to, text: `Accent moved from ${entry.from.toFixed(2)} s`, selection: { kind: "accent", time: entry.to }, without: tidy({ ...marks, accents: { removed, moved: moved.filter((other) => other !== entry) } }) }));
  return rows.sort((a, b) => a.time - b.time);
}

/** @param {Marks} marks @param {number} time */
export const isFixed = (marks, time) => (marks.beats ?? []).some((mark) => near(mark.time, time));

/** The number that a mark fixes. @param {BeatMark} mark */
const numberOf = (mark) => (mark.number === "downbeat" ? 1 : mark.number);

/**
 * Fixed beats, with those at the given places of the grid fixed too where they are. What would be
 * too near to one that is fixed already is left.
 * @param {BeatMark[]} fixed @param {Beat[]} beats @param {number[]} indices
 */
function withFixed(fixed, beats, indices) {
  const list = [...fixed];
  for (const index of indices) {
    const beat = beats[index];
    if (beat && !list.some((mark) => Math.abs(mark.time - beat.time) < GAP.beat)) list.push({ time: beat.time });
  }
  return list;
}

/** @param {Beat[]} beats */
const ends = (beats) => [0, beats.length - 1];

/**
 * How far a beat can be moved.
 * @param {Beat[]} beats @param {number} index @param {{from: number, to: number}} extent
 */
export function beatRange(beats, index, extent) {
  const from = index > 0 ? beats[index - 1].time + GAP.beat : extent.from;
  const to = index < beats.length - 1 ? beats[index + 1].time - GAP.beat : extent.to;
  return { from, to };
}

/**
 * Moves one beat and no other.
 * @param {Marks} marks @param {Beat[]} beats @param {number} index @param {number} time
 * @param {{from: number, to: number}} extent @returns {Edit}
 */
export function moveBeat(marks, beats, index, time, extent) {
  const range = beatRange(beats, index, extent);
  const to = rounded(clamp(time, range.from, Math.max(range.from, range.to)));
  const from = beats[index].time;
  const before = (marks.beats ?? []).find((mark) => near(mark.time, from));
  const fixed = (marks.beats ?? []).filter((mark) => mark !== before);
  const moved = withFixed([...fixed, { ...before, time: to }], beats, [index - 1, index + 1, ...ends(beats)].filter((i) => i !== index));
  return {
    marks: tidy({ ...marks, beats: moved }),
    beats: beats.map((beat, at) => (at === index ? { ...beat, time: to } : beat)),
  };
}

/** The place of the first beat after a time. @param {Beat[]} beats @param {number} time */
function after(beats, time) {
  const at = beats.findIndex((beat) => beat.time > time);
  return at < 0 ? beats.length : at;
}

/** The beats in a bar of a grid. @param {Beat[]} beats */
export const barOf = (beats) => Math.max(3, ...beats.map((beat) => beat.number));

/**
 * A beat between two others; a string is the reason why there cannot be one.
 * @param {Marks} marks @param {Beat[]} beats @param {number} time @returns {Edit|string}
 */
export function addBeat(marks, beats, time) {
  const at = rounded(time);
  const crowded = [...beats, ...(marks.beats ?? [])].some((beat) => Math.abs(beat.time - at) < GAP.beat);
  if (crowded) return `There is a beat within ${GAP.beat} s of ${at.toFixed(2)} s already.`;
  const next = after(beats, at);
  const bar = barOf(beats);
  const shifted = (marks.beats ?? []).map((mark) =>
    mark.number !== undefined && mark.time > at ? { ...mark, number: (Number(numberOf(mark)) % bar) + 1 } : mark,
  );
  const fixed = withFixed([...shifted, { time: at }], beats, [next - 1, next, ...ends(beats)]);
  const before = beats[next - 1]?.number ?? bar;
  /** @type {Beat} */
  const added = { time: at, number: (before % bar) + 1 };
  const later = beats.slice(next).map((beat) => ({ ...beat, number: (beat.number % bar) + 1 }));
  return { marks: tidy({ ...marks, beats: fixed }), beats: [...beats.slice(0, next), added, ...later] };
}

/**
 * Takes a beat out from between its neighbours. That their numbers follow each other says that
 * there is nothing between them.
 * @param {Marks} marks @param {Beat[]} beats @param {number} index @returns {Edit|string}
 */
export function deleteBeat(marks, beats, index) {
  if (index <= 0 || index >= beats.length - 1) {
    return "The first and the last beat cannot be deleted: the beats go on to both ends of the clip. They can be moved.";
  }
  const bar = barOf(beats);
  /** @param {number} number */
  const earlier = (number) => ((number + bar - 2) % bar) + 1;
  const gone = beats[index].time;
  const later = beats.slice(index + 1).map((beat) => ({ ...beat, number: earlier(beat.number) }));
  const left = [...beats.slice(0, index), ...later];
  const fixed = (marks.beats ?? [])
    .filter((mark) => !near(mark.time, gone))
    .map((mark) => (mark.number !== undefined && mark.time > gone ? { ...mark, number: earlier(Number(numberOf(mark))) } : mark));
  const list = withFixed(fixed, left, [index - 1, index, ...ends(left)]);
  const numbered = list.map((mark) => {
    const beat = [left[index - 1], left[index]].find((candidate) => near(candidate.time, mark.time));
    return beat ? { ...mark, number: beat.number } : mark;
  });
  return { marks: tidy({ ...marks, beats: numbered }), beats: left };
}

/** Lets the program choose a beat's time again. @param {Marks} marks @param {number} time @returns {Edit} */
export function releaseBeat(marks, time) {
  return { marks: tidy({ ...marks, beats: (marks.beats ?? []).filter((mark) => !near(mark.time, time)) }) };
}

/**
 * Begins a bar at a beat. All bars have the same number of beats, so that all numbers change by the
 * same amount.
 * @param {Marks} marks @param {Beat[]} beats @param {number} index @returns {Edit}
 */
export function downbeat(marks, beats, index) {
  const bar = barOf(beats);
  const by = 1 - beats[index].number;
  /** @param {number} number */
  const shifted = (number) => ((((number - 1 + by) % bar) + bar) % bar) + 1;
  const time = beats[index].time;
  const others = (marks.beats ?? []).filter((mark) => !near(mark.time, time));
  const fixed = others.map((mark) => (mark.number === undefined ? mark : { ...mark, number: shifted(Number(numberOf(mark))) }));
  /** @type {BeatMark[]} */
  const list = [...fixed, { time, number: "downbeat" }];
  return {
    marks: tidy({ ...marks, beats: others.length ? withFixed(list, beats, ends(beats)) : list }),
    beats: beats.map((beat) => ({ ...beat, number: shifted(beat.number) })),
  };
}

/**
 * Half or twice as fast; null if it is already. The numbers of fixed beats in their bars are those
 * of the former tempo, so that only downbeats keep theirs.
 * @param {Marks} marks @param {0.5|2} by @returns {Edit|null}
 */
export function changeTempo(marks, by) {
  const factor = Number(marks.tempo_factor ?? 1) * by;
  if (factor < 0.5 || factor > 2) return null;
  const { tempo_factor: _, ...others } = marks;
  const beats = (marks.beats ?? []).map(({ number, ...beat }) => (number === 1 || number === "downbeat" ? { ...beat, number } : beat));
  const tempo = factor === 1 ? {} : { tempo_factor: /** @type {0.5|2} */ (factor) };
  return { marks: tidy({ ...others, ...tempo, beats }) };
}

/** The line through taps: time of the first, and span, in seconds. @param {number[]} taps */
export function tapped(taps) {
  if (taps.length < 2) return null;
  const spans = taps.slice(1).map((time, i) => time - taps[i]).sort((a, b) => a - b);
  const middle = spans[Math.floor(spans.length / 2)];
  // A missed tap leaves a gap of two beats.
  const places = [0];
  taps.slice(1).forEach((time, i) => places.push(places[i] + Math.max(1, Math.round((time - taps[i]) / middle))));
  const mean = places.reduce((a, b) => a + b) / places.length;
  const centre = taps.reduce((a, b) => a + b) / taps.length;
  const above = places.reduce((sum, place, i) => sum + (place - mean) * (taps[i] - centre), 0);
  const below = places.reduce((sum, place) => sum + (place - mean) ** 2, 0);
  const span = above / below;
  return { first: centre - span * mean, span, count: places[places.length - 1] + 1 };
}

/**
 * Beats where somebody has tapped, instead of all that were fixed. Every one of them is fixed, so
 * that there are as many as were tapped.
 * @param {Marks} marks @param {Beat[]} beats @param {number[]} taps @returns {Edit|string}
 */
export function tapTempo(marks, beats, taps) {
  const line = tapped(taps);
  if (!line || line.count < 3) return "Tap at least three beats.";
  if (line.span < 60 / 240 || line.span > 60 / 40) {
    return `You tapped ${(60 / line.span).toFixed(0)} beats per minute; 40 to 240 can be used.`;
  }
  const bar = beats.length ? barOf(beats) : 4;
  const before = Number(marks.tempo_factor ?? 1);
  const found = beats.length > 1 ? ((beats[beats.length - 1].time - beats[0].time) / (beats.length - 1)) * before : line.span;
  /** @param {number} factor */
  const off = (factor) => Math.abs(Math.log(found / factor / line.span));
  const factor = [1, 0.5, 2].reduce((best, other) => (off(other) < off(best) - 0.05 ? other : best));
  const nearest = beats.length
    ? beats.reduce((best, beat) => (Math.abs(beat.time - line.first) < Math.abs(best.time - line.first) ? beat : best)).number
    : 1;
  const fixed = Array.from({ length: line.count }, (_, i) => ({
    time: rounded(Math.max(0, line.first + line.span * i)),
    number: ((nearest - 1 + i) % bar) + 1,
  }));
  const { tempo_factor: _, ...others } = marks;
  const tempo = factor === 1 ? {} : { tempo_factor: /** @type {0.5|2} */ (factor) };
  return { marks: tidy({ ...others, ...tempo, beats: fixed }), beats: fixed };
}

/**
 * @param {Marks} marks @param {number} time @param {{strength: number, answer: string[]}} like @returns {Edit|string}
 */
export function addHit(marks, time, like) {
  const at = rounded(time);
  const fault = hitFault(marks.hits ?? [], marks, at);
  return fault ?? { marks: tidy({ ...marks, hits: [...(marks.hits ?? []), { time: at, strength: like.strength, answer: [...like.answer] }] }) };
}

/** @param {{time: number}[]} others @param {Marks} marks @param {number} time @returns {string|null} */
function hitFault(others, marks, time) {
  if (others.some((hit) => Math.abs(hit.time - time) < GAP.hit)) {
    return `There is a hit within ${GAP.hit} s of ${time.toFixed(2)} s already.`;
  }
  const silence = (marks.silences ?? []).find(({ from, to }) => from <= time && time < to);
  return silence ? `A hit cannot lie in a silence (${silence.from.toFixed(2)} to ${silence.to.toFixed(2)} s); move one of the two.` : null;
}

/**
 * Changes the hit at a time.
 * @param {Marks} marks @param {number} time @param {Partial<import("./types.js").HitMark>} change @returns {Edit|string}
 */
export function changeHit(marks, time, change) {
  const hits = marks.hits ?? [];
  const hit = hits.find((candidate) => near(candidate.time, time));
  if (!hit) return "There is no hit.";
  const others = hits.filter((candidate) => candidate !== hit);
  const changed = { ...hit, ...change, time: rounded(change.time ?? hit.time) };
  if (!changed.label) delete changed.label;
  const fault = changed.time === hit.time ? null : hitFault(others, marks, changed.time);
  return fault ?? { marks: tidy({ ...marks, hits: [...others, changed] }) };
}

/** @param {Marks} marks @param {number} time @returns {Edit} */
export function deleteHit(marks, time) {
  return { marks: tidy({ ...marks, hits: (marks.hits ?? []).filter((hit) => !near(hit.time, time)) }) };
}

/**
 * A silence; those that it touches become one with it.
 * @param {Marks} marks @param {number} a @param {number} b @returns {Edit|string}
 */
export function addSilence(marks, a, b) {
  let [from, to] = [rounded(Math.max(0, Math.min(a, b))), rounded(Math.max(a, b))];
  const apart = (marks.silences ?? []).filter((silence) => silence.to < from || silence.from > to);
  for (const silence of marks.silences ?? []) {
    if (apart.includes(silence)) continue;
    from = Math.min(from, silence.from);
    to = Math.max(to, silence.to);
  }
  if (to - from < GAP.silence) return `A silence is ${GAP.silence} s or longer.`;
  const hit = (marks.hits ?? []).find(({ time }) => from <= time && time < to);
  if (hit) return `There is a hit at ${hit.time.toFixed(2)} s; a silence cannot have one. Move or delete it first.`;
  return { marks: tidy({ ...marks, silences: [...apart, { from, to }] }) };
}

/** @param {Marks} marks @param {number} time of its start @returns {Edit} */
export function deleteSilence(marks, time) {
  return { marks: tidy({ ...marks, silences: (marks.silences ?? []).filter(({ from }) => !near(from, time)) }) };
}

/** @param {Marks} marks @param {number} time of its start @param {number} from @param {number} to @returns {Edit|string} */
export const changeSilence = (marks, time, from, to) => addSilence(deleteSilence(marks, time).marks, from, to);

/**
 * The time at which the program has found an accent that may have been moved.
 * @param {Marks} marks @param {number} time
 */
function foundAt(marks, time) {
  return (marks.accents?.moved ?? []).find(({ to }) => near(to, time))?.from ?? time;
}

/**
 * @param {Marks} marks @param {Accent[]} accents @param {number} time @param {number} to @returns {Edit}
 */
export function moveAccent(marks, accents, time, to) {
  const from = foundAt(marks, time);
  const at = rounded(Math.max(0, to));
  const others = (marks.accents?.moved ?? []).filter((moved) => !near(moved.from, from));
  const moved = near(from, at) ? others : [...others, { from, to: at }];
  return {
    marks: tidy({ ...marks, accents: { ...marks.accents, moved } }),
    accents: accents.map((accent) => (near(accent.time, time) ? { ...accent, time: at } : accent)),
  };
}

/** @param {Marks} marks @param {Accent[]} accents @param {number} time @returns {Edit} */
export function removeAccent(marks, accents, time) {
  const from = foundAt(marks, time);
  const moved = (marks.accents?.moved ?? []).filter((other) => !near(other.from, from));
  const removed = [...(marks.accents?.removed ?? []).filter((other) => Math.abs(other - from) > SAME_ACCENT / 2), from];
  return { marks: tidy({ ...marks, accents: { removed, moved } }), accents: accents.filter((accent) => !near(accent.time, time)) };
}

/** @param {Marks} marks @param {number} time @returns {Edit} */
export function restoreAccent(marks, time) {
  const removed = (marks.accents?.removed ?? []).filter((other) => !near(other, time));
  const moved = (marks.accents?.moved ?? []).filter(({ to }) => !near(to, time));
  return { marks: tidy({ ...marks, accents: { removed, moved } }) };
}
