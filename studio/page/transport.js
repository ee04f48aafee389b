// Playing: the video is the clock. Play and pause, seek, step, loop, and the time that is shown.

import { hasPicture, media, ofVideo, onMedia, video, withoutPicture, withPicture } from "./clock.js";
import { clamp } from "./dom.js";
import { emit, extent, frame, on, state } from "./store.js";

/** The picture that is shown: its time in the media, and when it came (`performance.now()`). @type {{media: number, at: number}|null} */
let picture = null;
/** Where a seek goes that is not done. @type {number|null} */
let target = null;
/** @type {Set<(time: number) => void>} */
const jumps = new Set();

/** Calls back after every jump in time: seeks and loops. @param {(time: number) => void} action */
export const onJump = (action) => jumps.add(action);

export const playing = () => !media().paused && !media().ended;

/** The time of the picture that is shown, in seconds of the media. */
export function now() {
  if (target !== null) return target;
  if (!picture || !hasPicture()) return media().currentTime;
  if (video.paused) return picture.media;
  // Up to the next picture, time goes on.
  const since = ((performance.now() - picture.at) / 1000) * media().playbackRate;
  return picture.media + clamp(since, 0, frame() * 0.9);
}

function watchPictures() {
  if (!("requestVideoFrameCallback" in video)) return;
  /** @param {number} _ @param {VideoFrameCallbackMetadata} data */
  const shown = (_, data) => {
    picture = { media: ofVideo(data.mediaTime), at: data.expectedDisplayTime };
    if (target !== null && !video.seeking) target = null;
    emit("played");
    video.requestVideoFrameCallback(shown);
  };
  video.requestVideoFrameCallback(shown);
}

/** @param {number} time */
export function seek(time) {
  const { from, to } = extent();
  // Within the picture rather than at its edge, where either of two could be meant.
  const at = clamp(time, from, Math.max(from, to - frame() / 2));
  target = at;
  media().currentTime = at;
  for (const action of jumps) action(at);
  emit("played");
}

/** Goes to the picture that is so many later. @param {number} count */
export function step(count) {
  media().pause();
  const index = Math.floor(now() / frame() + 0.01) + count;
  seek((index + 0.5) * frame());
}

export function toggle() {
  if (playing()) media().pause();
  else play();
}

export function play() {
  const { from, to } = extent();
  const { loop } = state;
  const time = now();
  if (loop && (time < loop.from - 0.01 || time >= loop.to - frame())) seek(loop.from);
  // The last picture may begin a little before the last frame's time.
  else if (time >= to - 1.5 * frame() || time < from - frame()) seek(from);
  media().play().catch(() => emit("played"));
}

/** @param {{from: number, to: number}|null} loop */
export function setLoop(loop) {
  state.loop = loop && loop.to - loop.from >= frame() ? loop : null;
  emit("loop");
}

/** The end of the loop or of the clip has been reached. */
function turn() {
  const { from, to } = extent();
  const { loop } = state;
  if (media().paused && !media().ended) return;
  if (loop && now() >= loop.to - frame() / 4) {
    seek(loop.from);
    if (media().paused) media().play().catch(() => {});
  } else if (now() >= to - frame() / 4 || media().ended) {
    media().pause();
    seek(to);
  } else if (now() < from - frame()) {
    seek(from);
  }
}

/** Addresses at which the video may be, those that have not been tried. @type {string[]} */
let addresses = [];

/** Shows the first video that the browser can play, at the same time as before. @param {string[]} wanted */
export function show(wanted) {
  const time = hasPicture() ? extent().from : now();
  withPicture();
  [picture, target] = [null, null];
  video.addEventListener("loadedmetadata", () => Math.abs(media().currentTime - time) > frame() / 2 && seek(time), { once: true });
  addresses = wanted.slice(1);
  video.src = wanted[0];
}

/** Goes on without the video, from the same time. */
export function hide() {
  withoutPicture();
  target = null;
  media().currentTime = Math.max(media().currentTime, extent().from);
  emit("played");
}

/** Begins: `each` is called once for every frame of the screen while the video plays. @param {() => void} each */
export function begin(each) {
  video.muted = true;
  video.addEventListener("error", () => {
    if (!hasPicture()) return;
    const other = addresses.shift();
    if (other !== undefined) {
      video.src = other;
      return;
    }
    hide();
    emit("picture");
  });
  onMedia("seeked", () => {
    if (target === null) return;
    target = null;
    if (!hasPicture() || !("requestVideoFrameCallback" in video)) emit("played");
  });
  onMedia("ended", turn);
  for (const event of ["play", "pause", "seeked", "loadeddata"]) onMedia(event, () => emit("played"));
  watchPictures();
  const tick = () => {
    if (playing()) {
      turn();
      each();
    }
    requestAnimationFrame(tick);
  };
  requestAnimationFrame(tick);
}
