// Types of the program's answers and of the page's state, for JSDoc. There is no code here.

/** @typedef {{name: string, version: string, start: number, duration: number, width: number, height: number, frame_rate: number, has_audio: boolean}} Clip */
/** @typedef {{key: string, words: string[]|null, least: number|null, most: number|null, kind: string, auto: boolean, default: string, value: string, help: string}} Setting */
/** @typedef {{time: number, number?: number|"downbeat"}} BeatMark */
/** @typedef {{time: number, strength?: number, label?: string, answer?: string[]}} HitMark */
/** @typedef {{from: number, to: number}} Stretch */
/**
 * @typedef {object} Marks
 * @property {"kinescore-marks"} format
 * @property {1} version
 * @property {BeatMark[]} [beats]
 * @property {HitMark[]} [hits]
 * @property {Stretch[]} [silences]
 * @property {0.5|2} [tempo_factor]
 * @property {{removed?: number[], moved?: {from: number, to: number}[]}} [accents]
 */
/** @typedef {Record<string, string>} Chosen settings that differ from their defaults */
/** @typedef {{id: number, version: number, seed: number|string, label: string, settings: Chosen, marks: Marks}} Take */
/** @typedef {{kind: "no_person"|"no_beat"|"other", message: string}} Failure */
/** @typedef {{state: "analysing"|"rendering"|"ready"|"failed"|"cancelled", stage: string|null, done: number|null, whole: number|null, poses: number, take: number|null, takes: Take[], error: Failure|null, revision: number}} ServerState */
/** @typedef {{time: number, number: number}} Beat */
/** @typedef {{time: number, strength: number, kind: string, part: string, impact?: string}} Accent */
/** @typedef {{part: string, instrument: string, time: number, end: number, pitch: number, velocity: number}} Note */
/** @typedef {{class: string, time: number, velocity: number}} DrumHit */
/** @typedef {{rate: number, start?: number, values: number[]}} Curve */
/** @typedef {{time: number, chord: string}} Chord */
/**
 * @typedef {object} Analysis
 * @property {any} analysis
 * @property {Curve} movement
 * @property {Curve} activation
 * @property {Note[]|null} notes null: not composed
 * @property {DrumHit[]|null} drums
 * @property {string[]} parts
 * @property {Curve|null} peaks
 * @property {{integrated: number, peak: number}|null} loudness
 */
/** @typedef {{times: number[], points: (number[]|null)[], others: (number[]|null)[][], cuts: number[], people: number}} Poses */
/** @typedef {{person: number, times: number[], boxes: number[][]}[]} People */
/**
 * What is in a report.
 * @typedef {object} Report
 * @property {Clip} clip
 * @property {Take} take
 * @property {Analysis} analysis
 * @property {Poses|null} poses
 * @property {Setting[]} settings
 * @property {string} command
 * @property {{name: string, text: string}|null} marks_file the marks in the time of the video
 * @property {{from: number, to: number, speed: string}|null} part of the video that is heard, unless it is all
 * @property {{type: string}|null} sound
 * @property {{name: string, type: string, linked: boolean, addresses: string[]|null, begins: number, speed: number, has_sound: boolean}|null} video
 */
/** @typedef {{kind: "beat"|"hit"|"silence"|"accent"|"removed", time: number}} Selection */

export {};
