// The keys that change something.

import * as actions from "./actions.js";
import { begin as beginKeys, SEE } from "./keys.js";
import { abandon } from "./pointer.js";
import { anotherTake, followPersonAt, redo, undo } from "./session.js";
import { state } from "./store.js";
import { swap } from "./takes.js";
import { now } from "./transport.js";

function escape() {
  if (abandon()) return;
  actions.dropTaps();
  if (state.mode !== "select") actions.setMode(state.mode);
  else actions.select(null);
}

/** @param {string} digit */
function person(digit) {
  if (state.mode !== "person") return false;
  const time = now();
  const chosen = (state.people ?? []).find((each) => each.person === Number(digit));
  const at = chosen?.times.reduce((best, other, i) => (Math.abs(other - time) < Math.abs(chosen.times[best] - time) ? i : best), 0);
  if (!chosen || at === undefined) return true;
  const [x0, y0, x1, y1] = chosen.boxes[at];
  followPersonAt(chosen.times[at], (x0 + x1) / 2, (y0 + y1) / 2).then((done) => done && actions.setMode("select"));
  return true;
}

/** @type {import("./keys.js").Row[]} */
const EDIT = [
  ["Beats", ["A"], "Add a beat at the playhead", () => actions.addBeat(now())],
  ["Beats", ["D"], "Downbeat here", actions.downbeatHere],
  ["Beats", ["T"], "Tap the tempo while it plays", actions.tap],
  ["Beats", ["Enter"], "Use what was tapped", actions.endTaps],
  ["Beats", ["/"], "Beats half as fast", () => actions.changeTempo(0.5)],
  ["Beats", ["*"], "Beats twice as fast", () => actions.changeTempo(2)],
  ["Marks", ["H"], "Add a hit at the playhead", () => actions.addHit(now())],
  ["Marks", ["S"], "Silence: the loop, or draw it", actions.silence],
  ["Selected", ["Alt+ArrowLeft"], "Move 5 ms back", () => actions.nudge(-actions.nudgeFine)],
  ["Selected", ["Alt+ArrowRight"], "Move 5 ms forward", () => actions.nudge(actions.nudgeFine)],
  ["Selected", ["Alt+Shift+ArrowLeft"], "Move one frame back", () => actions.nudge(-actions.nudgeFrame())],
  ["Selected", ["Alt+Shift+ArrowRight"], "Move one frame forward", () => actions.nudge(actions.nudgeFrame())],
  ["Selected", ["Delete", "Backspace"], "Delete; restore a removed accent", actions.deleteSelected],
  ["Selected", ["R"], "As the program found it", actions.releaseSelected],
  ["Selected", ["Escape"], "Select nothing; leave a mode", escape],
  ["Work", ["Ctrl+Z"], "Undo", undo],
  ["Work", ["Ctrl+Shift+Z", "Ctrl+Y"], "Redo", redo],
  ["Work", ["P"], "Choose the person in the video", () => actions.setMode("person")],
  ["Work", ["N"], "Another take", anotherTake],
  ["Work", ["B"], "Compare: the other take", swap],
];
/** The order of the groups in the help. */
const GROUPS = ["Play", "Lanes", "Beats", "Marks", "Selected", "Work"];

export function begin() {
  const rows = GROUPS.flatMap((group) => [...SEE, ...EDIT].filter(([own]) => own === group));
  beginKeys(rows, "Drag a beat, an accent, a hit or a silence in the lanes; double-click between beats adds a beat, in the lane below them a hit. Drag on the ruler loops, double-click there ends the loop. A fixed beat has a small triangle.", person);
}
