// What time is played: the video, or a clock of the page where the browser cannot play the video.

import { byId } from "./dom.js";

/** @type {HTMLVideoElement} */
export const video = byId("video");

/** A clock with what the page uses of a video. */
class Plain extends EventTarget {
  constructor() {
    super();
    this.paused = true;
    this.ended = false;
    this.seeking = false;
    this.readyState = 4;
    this.playbackRate = 1;
    /** Where it was, and when. */
    this.place = { time: 0, at: 0 };
  }

  get currentTime() {
    const { time, at } = this.place;
    return this.paused ? time : time + ((performance.now() - at) / 1000) * this.playbackRate;
  }

  set currentTime(time) {
    this.place = { time, at: performance.now() };
    queueMicrotask(() => this.dispatchEvent(new Event("seeked")));
  }

  play() {
    if (this.paused) {
      this.place = { time: this.place.time, at: performance.now() };
      this.paused = false;
      this.dispatchEvent(new Event("play"));
      this.dispatchEvent(new Event("playing"));
    }
    return Promise.resolve();
  }

  pause() {
    if (this.paused) return;
    this.place = { time: this.currentTime, at: 0 };
    this.paused = true;
    this.dispatchEvent(new Event("pause"));
  }
}

const plain = new Plain();
/** @type {HTMLVideoElement|Plain} */
let source = video;

/** What is played. */
export const media = () => source;

/** Whether there is a picture. */
export const hasPicture = () => source === video;

/** @param {string} event @param {() => void} action */
export function onMedia(event, action) {
  for (const each of [video, plain]) each.addEventListener(event, () => each === source && action());
}

/** Goes on without the video, from the same place. */
export function withoutPicture() {
  plain.currentTime = video.currentTime;
  source = plain;
}
