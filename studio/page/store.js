// The page's state in one place, and who wants to hear of its changes.

/** @typedef {import("./types.js").Clip} Clip */
/** @typedef {import("./types.js").Setting} Setting */
/** @typedef {import("./types.js").Marks} Marks */
/** @typedef {import("./types.js").ServerState} ServerState */
/** @typedef {import("./types.js").Analysis} Analysis */
/** @typedef {import("./types.js").Poses} Poses */
/** @typedef {import("./types.js").People} People */
/** @typedef {import("./types.js").Selection} Selection */
/** @typedef {{settings: Record<string, string>, marks: Marks}} Doc what a take is made of */

/**
 * `server`: the program's state; `doc`: settings or marks; `analysis`: the shown take's, or what an
 * edit expects it to become; `takes`: the shown or compared take; `view`: the part of the time axis;
 * `picture`: the browser cannot show the video.
 * @typedef {"clip"|"settings"|"server"|"doc"|"analysis"|"takes"|"poses"|"view"|"selection"|"mode"|"loop"|"connection"|"mixer"|"theme"|"picture"|"played"} Topic
 */

export const state = {
  /** @type {Clip|null} */ clip: null,
  /** @type {Setting[]} */ settings: [],
  /** @type {ServerState|null} */ server: null,
  /** The take that is seen and heard. @type {number|null} */ take: null,
  /** The take that it is compared with. @type {number|null} */ other: null,
  /** @type {Doc} */ doc: { settings: {}, marks: { format: "kinescore-marks", version: 1 } },
  /** @type {Analysis|null} */ analysis: null,
  /** @type {Poses|null} */ poses: null,
  /** @type {People|null} */ people: null,
  /** @type {Selection|null} */ selection: null,
  /** What the pointer does: select, draw a silence, choose a person. @type {"select"|"silence"|"person"} */ mode: "select",
  /** @type {{from: number, to: number}|null} */ loop: null,
  connection: { connected: true, again: 0 },
  /** An error that belongs to one setting, by its key. @type {Record<string, string>} */ faults: {},
  /** Whether nothing can be changed. */
  readOnly: false,
  /** What the next hit is like. */
  hit: { strength: 1, answer: ["drums"] },
};

/** @type {Map<Topic, Set<() => void>>} */
const listeners = new Map();

/** @param {Topic|Topic[]} topics @param {() => void} action */
export function on(topics, action) {
  for (const topic of [topics].flat()) {
    if (!listeners.has(topic)) listeners.set(topic, new Set());
    listeners.get(topic)?.add(action);
  }
}

/** @param {...Topic} topics */
export function emit(...topics) {
  const actions = new Set(topics.flatMap((topic) => [...(listeners.get(topic) ?? [])]));
  for (const action of actions) action();
}

/** Start and end of what is heard. */
export function extent() {
  const { start, duration } = state.clip ?? { start: 0, duration: 10 };
  return { from: start, to: start + duration };
}

/** Seconds from one frame to the next. */
export const frame = () => 1 / (state.clip?.frame_rate || 30);

/** @param {number|null} id */
export const takeOf = (id) => state.server?.takes.find((take) => take.id === id) ?? null;

/** What a soundtrack is known by: its take and version. @param {import("./types.js").Take} take */
export const versionOf = (take) => `${take.id}:${take.version ?? 0}`;
