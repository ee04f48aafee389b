// What the page works on: the takes of the program, the settings and marks of the shown one, and
// their changes, which are rendered in the background.

import { ApiError, Events, getJson, post } from "./api.js";
import { debounced, same } from "./dom.js";
import { History } from "./history.js";
import { none, tidy } from "./marks.js";
import { emit, state, takeOf, versionOf } from "./store.js";
import { hush, say } from "./messages.js";

/** @typedef {import("./store.js").Doc} Doc */
/** @typedef {import("./types.js").Take} Take */

/** Pause after the last change before it is rendered, in milliseconds. */
const PAUSE = 250;

/** A history for each take. @type {Map<number, History<Doc>>} */
const histories = new Map();
/** @type {History<Doc>} */
let history = new History(state.doc);
/** Changes that no take has yet: not sent, or sent as this revision. @type {{sent: number|null}|null} */
let pending = null;
/** A further take that this page has asked for, by its revision. @type {number|null} */
let asked = null;
/** Take and version whose analysis is shown or being fetched. */
let shown = "";
/** @type {AbortController|null} */
let fetching = null;

/** @param {Take} take @returns {Doc} */
const docOf = (take) => ({ settings: take.settings ?? {}, marks: tidy(take.marks ?? none()) });

/** Begins: fetches what stays, and follows the program. */
export async function begin() {
  const [clip, table] = await Promise.all([getJson("api/clip"), getJson("api/settings")]);
  state.clip = clip;
  state.settings = table.groups.flatMap((/** @type {any} */ group) => group.settings);
  // Until there is a take, it is what the program was started with.
  const started = state.settings.filter((row) => row.value !== row.default).map((row) => [row.key, row.value]);
  history = new History({ settings: Object.fromEntries(started), marks: none() });
  show();
  emit("clip", "settings");
  events = new Events(follow, (connected, again) => {
    const was = state.connection.connected;
    state.connection = { connected, again };
    emit("connection");
    if (!was && connected) {
      say("Connected again.");
      if (pending && pending.sent === null) render();
    }
  });
}

/** @type {Events|null} */
let events = null;

/** Tries to connect at once. */
export const connectNow = () => events?.open();

/** Takes in a state of the program. @param {import("./types.js").ServerState} server */
function follow(server) {
  state.server = server;
  const newest = server.takes.at(-1) ?? null;
  const kept = server.takes.some((take) => take.id === state.take);
  const finished = server.state === "ready" || server.state === "failed" || server.state === "cancelled";
  const arrived = newest !== null && !histories.has(newest.id);
  if (newest && (!kept || arrived)) {
    // What was changed in an older take has become a take of its own, and can be undone there.
    if (arrived && pending) histories.set(newest.id, history.copy());
    choose(newest.id);
  }
  const mine = pending?.sent !== null && pending?.sent !== undefined;
  // What the program has made of this page's own request may be written in another way: 1 for downbeat.
  const own = mine && server.revision === pending?.sent;
  if (finished && mine && server.revision >= Number(pending?.sent)) {
    pending = null;
    if (server.state !== "ready") {
      shown = ""; // The lanes show what is, not what was expected.
      if (server.state === "cancelled" && server.takes.length) say("Cancelled. What you changed is not heard yet: the next change renders it too, and Ctrl+Z takes it back.");
    }
    // No take has come of it: back to the one that is shown.
    if (asked !== null && server.state !== "ready") history = histories.get(state.take ?? -1) ?? history;
    if (asked !== null) show();
    asked = null;
  }
  const take = takeOf(state.take);
  if (take && pending === null && server.state === "ready" && !same(docOf(take), history.present)) {
    if (own) history.present = docOf(take);
    else history.commit(docOf(take), "change in another window");
    show();
  }
  if (state.other !== null && !takeOf(state.other)) state.other = null;
  emit("server", "takes");
  load();
  loadPoses(server.poses);
}

/** Shows a take. @param {number} id */
export function choose(id) {
  const take = takeOf(id);
  if (!take) return;
  if (!histories.has(id)) histories.set(id, new History(docOf(take)));
  const changed = state.take !== id;
  state.take = id;
  history = /** @type {History<Doc>} */ (histories.get(id));
  if (changed) {
    state.selection = null;
    emit("selection");
  }
  show();
  load();
  emit("takes");
}

function show() {
  state.doc = history.present;
  emit("doc");
}

/** Fetches the analysis of the shown take, unless it is there. */
async function load() {
  const take = takeOf(state.take);
  if (!take || shown === versionOf(take)) return;
  shown = versionOf(take);
  fetching?.abort();
  fetching = new AbortController();
  try {
    const analysis = await getJson(`api/takes/${take.id}/analysis`, fetching.signal);
    state.analysis = analysis;
    emit("analysis");
  } catch (error) {
    if (/** @type {any} */ (error).name === "AbortError") return;
    shown = "";
    report(error);
  }
}

/** The number of the poses that are here, or asked for. */
let posesOf = 0;

/** Fetches the poses if they have changed. @param {number} number */
async function loadPoses(number) {
  if (!number || number === posesOf) return;
  posesOf = number;
  state.people = null;
  try {
    const poses = await getJson("api/poses");
    if (posesOf !== number) return;
    state.poses = poses;
    emit("poses", "mode");
  } catch (error) {
    posesOf = 0;
    if (!(error instanceof ApiError && error.status === 404)) report(error);
  }
}

/** Shows an error. @param {unknown} error */
export function report(error) {
  if (error instanceof ApiError && error.lost) return; // The connection's own message says so.
  say(error instanceof Error ? error.message : String(error), "error");
}

const renderSoon = debounced(PAUSE, () => render());

/**
 * Changes settings or marks, as one step of undo.
 * @param {Partial<Doc>} change @param {string} label
 * @param {{beats?: any[], accents?: any[]}} [expected] how the lanes look until the answer
 */
export function commit(change, label, expected = {}) {
  const next = { ...history.present, ...change };
  if (same(next, history.present)) return;
  leaveOld();
  history.commit(next, label);
  changed(expected);
}

/** An edit of marks. @param {import("./marks.js").Edit|string|null} edit @param {string} label @returns {boolean} */
export function edit(edit, label) {
  if (edit === null) return false;
  if (typeof edit === "string") {
    say(edit, "error");
    return false;
  }
  commit({ marks: edit.marks }, label, edit);
  return true;
}

/** @param {{beats?: any[], accents?: any[]}} expected */
function changed(expected) {
  pending = { sent: null };
  if (state.analysis && (expected.beats || expected.accents)) {
    const analysis = { ...state.analysis.analysis };
    if (expected.beats) analysis.beats = expected.beats;
    if (expected.accents) analysis.accents = expected.accents;
    state.analysis = { ...state.analysis, analysis };
    emit("analysis");
  }
  show();
  renderSoon();
}

/** An older take stays as it is: what is changed there becomes a take of its own. */
function leaveOld() {
  const newest = state.server?.takes.at(-1)?.id ?? null;
  if (state.take !== null && state.take !== newest && history === histories.get(state.take)) history = history.copy();
}

export function undo() {
  leaveOld();
  const label = history.undo();
  if (label === null) return say("Nothing to undo.");
  say(`Undone: ${label}.`);
  changed({});
}

export function redo() {
  leaveOld();
  const label = history.redo();
  if (label === null) return say("Nothing to redo.");
  say(`Done again: ${label}.`);
  changed({});
}

/** What can be undone and redone. */
export const steps = () => ({ undo: history.past.at(-1)?.label ?? null, redo: history.future.at(-1)?.label ?? null });

/** Renders the settings and marks. @param {boolean} [another] as a take of its own */
export async function render(another = false) {
  const newest = state.server?.takes.at(-1)?.id ?? null;
  const newTake = another || (newest !== null && state.take !== newest);
  const { settings, marks } = history.present;
  const mark = { sent: /** @type {number|null} */ (null) };
  pending = mark;
  if (newTake) asked = 0; // Its revision is not known yet.
  try {
    const { revision } = await post("api/render", { settings, marks, new_take: newTake });
    mark.sent = revision;
    if (newTake) asked = revision;
    if (Object.keys(state.faults).length) hush();
    state.faults = {};
    emit("settings");
    // The answer may have come before this one's number was known.
    if (state.server && state.server.revision >= revision && pending === mark) follow(state.server);
  } catch (error) {
    if (newTake) asked = null;
    if (error instanceof ApiError && error.field) {
      state.faults = { [error.field]: error.message };
      emit("settings");
    }
    report(error);
  }
}

/** Renders the same with the next seed. */
export function anotherTake() {
  const take = takeOf(state.server?.takes.at(-1)?.id ?? null);
  if (!take) return say("There is no take yet.");
  if (asked !== null) return say("Another take is on its way.");
  const seed = String(BigInt.asUintN(64, BigInt(take.seed ?? 0) + 1n));
  history = history.copy();
  history.commit({ ...history.present, settings: { ...history.present.settings, seed } }, "another take");
  pending = { sent: null };
  render(true);
}

export async function cancel() {
  try {
    await post("api/cancel", {});
  } catch (error) {
    report(error);
  }
}

/** Follows the person at a place in the video. @param {number} time @param {number} x @param {number} y */
export async function followPersonAt(time, x, y) {
  try {
    const { person } = await post("api/person", { time, x, y });
    setSetting("pose.person", String(person), `follow person ${person}`);
    return true;
  } catch (error) {
    report(error);
    return false;
  }
}

/** The value of a setting. @param {string} key */
export function valueOf(key) {
  const row = state.settings.find((setting) => setting.key === key);
  return state.doc.settings[key] ?? row?.default ?? "";
}

/** @param {string} key @param {string} value @param {string} [label] */
export function setSetting(key, value, label = `${key} = ${value}`) {
  const row = state.settings.find((setting) => setting.key === key);
  const settings = { ...state.doc.settings };
  if (row && value === row.default) delete settings[key];
  else settings[key] = value;
  delete state.faults[key];
  commit({ settings }, label);
}

export function resetSettings() {
  commit({ settings: {} }, "all settings as usual");
}
