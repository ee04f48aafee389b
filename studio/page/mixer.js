// The sound of the shown take, and of the one it is compared with, in step with the video.

import { media, onMedia } from "./clock.js";
import { clamp } from "./dom.js";
import { Deck } from "./deck.js";
import { emit, extent, on, state, takeOf, versionOf } from "./store.js";
import { onJump, playing } from "./transport.js";

/** Beyond this the sound jumps to its place; below, it runs faster or slower, in seconds. */
const JUMP = 0.03;
/** Drift that is left alone, in seconds. */
const SLACK = 0.004;
/** Greatest change of speed for drift: 5 cents. */
const BEND = 0.003;

/** @typedef {{level: number, mute: boolean, solo: boolean}} Channel level in dB */
/** @typedef {import("./types.js").Take} Take */
/**
 * Where sounds come from.
 * @typedef {object} Sounds
 * @property {(take: Take) => Promise<ArrayBuffer>} mix
 * @property {(take: Take, part: string) => Promise<ArrayBuffer>} stem
 * @property {(take: Take) => Promise<import("./types.js").Analysis>} analysis
 * @property {(error: unknown) => void} failed
 */
/** @type {Sounds} */
let sounds;

export const mixer = {
  /** @type {Map<string, Channel>} */ channels: new Map(),
  /** In dB. */ master: 0,
  muted: false,
  /** The sound's lead over the video, in seconds; null while nothing plays. @type {number|null} */ drift: null,
  loading: false,
};

/** @type {AudioContext|null} */
let context = null;
/** @type {GainNode} */
let master;
/** @type {AnalyserNode} */
let meter;
/** The decks by take. @type {Map<number, Deck>} */
const decks = new Map();
/** @type {number[]} */
let drifts = [];

/** @param {number} decibels */
const gainOf = (decibels) => (decibels <= -60 ? 0 : 10 ** (decibels / 20));

/** @param {string} name */
export function channel(name) {
  let found = mixer.channels.get(name);
  if (!found) mixer.channels.set(name, (found = { level: 0, mute: false, solo: false }));
  return found;
}

/** @param {string} name */
function levelOf(name) {
  const { level, mute, solo } = channel(name);
  const others = [...mixer.channels.values()].some((other) => other.solo);
  return mute || (others && !solo) ? 0 : gainOf(level);
}

/** Whether the stems are needed: the mix is their sum. */
const apart = () => [...mixer.channels.values()].some(({ level, mute, solo }) => level !== 0 || mute || solo);

/** Level of a take, so that both of a comparison are equally loud. @param {Deck} deck */
function matched(deck) {
  if (state.other === null) return 1;
  const all = [...decks.values()].map(({ loudness }) => loudness).filter((value) => value !== null && Number.isFinite(value));
  if (deck.loudness === null || !all.length) return 1;
  return gainOf(Math.min(.../** @type {number[]} */ (all)) - deck.loudness);
}

/** Sets all levels to what they are to be. */
export function applyLevels() {
  if (!context) return;
  master.gain.setTargetAtTime(mixer.muted ? 0 : gainOf(mixer.master), context.currentTime, 0.01);
  for (const [id, deck] of decks) {
    deck.setLevel(id === state.take ? matched(deck) : 0);
    deck.setChannels(levelOf);
  }
  if (apart()) {
    for (const deck of decks.values()) if (deck.stems && deck.playing.length && !deck.playsStems) startDeck(deck);
    prepare();
  }
  emit("mixer");
}

/** Browsers start sound only after a key or a click. */
export function wake() {
  if (!context) {
    context = new AudioContext({ latencyHint: "interactive" });
    master = context.createGain();
    meter = context.createAnalyser();
    meter.fftSize = 2048;
    master.connect(meter).connect(context.destination);
    prepare();
  }
  if (context.state === "suspended") context.resume();
}

/** @param {Promise<ArrayBuffer>} bytes @returns {Promise<AudioBuffer>} */
const decoded = async (bytes) => /** @type {AudioContext} */ (context).decodeAudioData(await bytes);

/** What is being fetched, by its address and version. @type {Set<string>} */
const fetching = new Set();

/** Fetches what is to be heard and is not here. What plays goes on until its successor is here. */
async function prepare() {
  if (!context) return;
  for (const id of [state.take, state.other]) {
    const take = takeOf(id);
    if (!take) continue;
    const version = versionOf(take);
    const deck = decks.get(take.id);
    if (deck?.version !== version || (apart() && !deck.stems)) await fetchDeck(take, version, apart());
  }
  for (const id of [...decks.keys()]) {
    if (id === state.take || id === state.other) continue;
    // The sound that plays stays until the chosen take has its own.
    if (state.take !== null && !decks.get(state.take)?.ready) continue;
    decks.get(id)?.close();
    decks.delete(id);
  }
}

/** @param {import("./types.js").Take} take @param {string} version @param {boolean} stems */
async function fetchDeck(take, version, stems) {
  const key = `${version}:${stems}`;
  if (fetching.has(key)) return;
  fetching.add(key);
  mixer.loading = true;
  emit("mixer");
  try {
    const same = decks.get(take.id)?.version === version ? decks.get(take.id) : null;
    const deck = same ?? new Deck(/** @type {AudioContext} */ (context), master, version);
    if (stems) {
      const { parts, loudness } = await sounds.analysis(take);
      const buffers = await Promise.all(parts.map((part) => decoded(sounds.stem(take, part))));
      deck.stems = new Map(parts.map((part, i) => [part, buffers[i]]));
      deck.loudness = loudness?.integrated ?? null;
    } else {
      const [mix, analysis] = await Promise.all([decoded(sounds.mix(take)), sounds.analysis(take)]);
      deck.mix = mix;
      deck.loudness = analysis.loudness?.integrated ?? null;
    }
    const current = takeOf(take.id);
    if (!current || versionOf(current) !== version) return; // Another is on its way.
    if (!same) {
      decks.get(take.id)?.close();
      decks.set(take.id, deck);
    }
    if (moves()) startDeck(deck);
    applyLevels();
  } catch (error) {
    sounds.failed(error);
  } finally {
    fetching.delete(key);
    mixer.loading = fetching.size > 0;
    emit("mixer");
  }
}

/** @param {Deck} deck */
function startDeck(deck) {
  // What is given to the context now is heard later; it begins with what the video shows then.
  const late = /** @type {AudioContext} */ (context).currentTime - heard();
  deck.start(media().currentTime - extent().from + late * media().playbackRate, media().playbackRate, apart(), levelOf);
}

/** Whether the picture moves: the video plays, and does not wait for data. */
const moves = () => playing() && !media().seeking && media().readyState >= 3;

/** Starts or stops all that is here, where the video is. */
function restart() {
  if (!context) return;
  drifts = [];
  for (const deck of decks.values()) {
    if (moves() && deck.ready) startDeck(deck);
    else deck.stop();
  }
  if (!playing()) mixer.drift = null;
}

/** The context time of what is heard now. */
function heard() {
  const at = /** @type {AudioContext} */ (context);
  const stamp = at.getOutputTimestamp?.();
  if (stamp?.contextTime && stamp.performanceTime) {
    return stamp.contextTime + (performance.now() - stamp.performanceTime) / 1000;
  }
  return at.currentTime - (at.outputLatency || at.baseLatency || 0);
}

/** Keeps the sound with the video; called for every frame of the screen. */
export function keepUp() {
  if (!context || context.state !== "running" || media().seeking) return;
  const deck = state.take === null ? null : decks.get(state.take);
  if (!deck?.playing.length) return;
  drifts.push(deck.place(heard()) - (media().currentTime - extent().from));
  if (drifts.length < 12) return;
  const middle = [...drifts].sort((a, b) => a - b)[6];
  drifts = [];
  mixer.drift = middle;
  if (Math.abs(middle) > JUMP) return restart();
  const bend = Math.abs(middle) < SLACK ? 0 : clamp(-middle / 2, -BEND, BEND);
  for (const other of decks.values()) other.bend(media().playbackRate * (1 + bend));
}

/** The peak of the last moment, 0 to 1; of a stem, or of all. @param {string} [name] */
export function peak(name) {
  const deck = state.take === null ? null : decks.get(state.take);
  const node = name === undefined ? meter : deck?.channels.get(name)?.meter;
  if (!node || !playing()) return 0;
  const samples = new Float32Array(node.fftSize);
  node.getFloatTimeDomainData(samples);
  return samples.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0);
}

/** The decks that can be heard, for the panel. */
export const status = () => ({ context: context?.state ?? "none", decks: [...decks].map(([id, deck]) => ({ id, version: deck.version, stems: deck.stems !== null, level: deck.level })) });

/** @param {Sounds} source */
export function begin(source) {
  sounds = source;
  for (const event of ["pointerdown", "keydown"]) document.addEventListener(event, wake, { capture: true });
  for (const event of ["playing", "pause", "seeked", "ratechange", "waiting"]) onMedia(event, restart);
  onJump(() => decks.forEach((deck) => deck.stop()));
  on("takes", () => {
    applyLevels();
    prepare();
  });
}
