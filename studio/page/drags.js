// What drags in the lanes change, and double clicks.

import * as actions from "./actions.js";
import { clamp } from "./dom.js";
import { beatRange } from "./marks.js";
import { extent, state } from "./store.js";
import { span, timeOf } from "./view.js";

/** @typedef {import("./pointer.js").Drag} Drag */

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

/** A silence whose edge, or which itself, is dragged. @param {Drag} from @param {number} x */
function silenceTo(from, x) {
  const own = silenceAt(from.time) ?? { from: from.time, to: from.time };
  const by = span(x - from.x);
  return { from: from.kind === "to" ? own.from : own.from + by, to: from.kind === "from" ? own.to : own.to + by };
}

/** @type {import("./pointer.js").Edits} */
export const edits = {
  ghost(drag, x) {
    if (drag.kind === "removed") return null;
    if (drag.kind === "draw") return { kind: "silence", time: drag.time, to: timeOf(x) };
    if (drag.kind === "from" || drag.kind === "to" || drag.kind === "silence") {
      const { from, to } = silenceTo(drag, x);
      return { kind: "silence", time: from, to };
    }
    return { kind: drag.kind, time: dragged(drag, x), lane: drag.lane };
  },
  drop(drag, x) {
    const time = dragged(drag, x);
    if (drag.kind === "beat") actions.moveBeat(actions.beatAt(drag.time), time);
    else if (drag.kind === "accent") actions.moveAccent(drag.time, time);
    else if (drag.kind === "hit") actions.changeHit(drag.time, { time });
    else if (drag.kind === "draw") {
      actions.addSilence(drag.time, timeOf(x));
      actions.setMode("select");
    } else if (drag.kind === "from" || drag.kind === "to" || drag.kind === "silence") {
      const { from, to } = silenceTo(drag, x);
      if (to > from) actions.changeSilence(drag.time, from, to);
    }
  },
  twice(lane, time) {
    if (lane === "beats") actions.addBeat(time);
    if (lane === "marks") actions.addHit(time);
  },
};
