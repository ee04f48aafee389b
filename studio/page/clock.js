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

/** How the page's time lies on the video's: `page` is `video`, and each second of the page takes `speed` seconds of the video. */
const axis = { page: 0, video: 0, speed: 1 };

/** @param {Partial<typeof axis>} other before the video is loaded */
export function setAxis(other) {
  Object.assign(axis, other);
  video.defaultPlaybackRate = video.playbackRate = axis.speed;
}

/** The page's time, of the video's. @param {number} time */
export const ofVideo = (time) => axis.page + (time - axis.video) / axis.speed;

/** The video, in the page's time. */
const picture = {
  get paused() { return video.paused; },
  get ended() { return video.ended; },
  get seeking() { return video.seeking; },
  get readyState() { return video.readyState; },
  get playbackRate() { return video.playbackRate / axis.speed; },
  get currentTime() { return ofVideo(video.currentTime); },
  set currentTime(time) { video.currentTime = axis.video + (time - axis.page) * axis.speed; },
  play: () => video.play(),
  pause: () => video.pause(),
};

const plain = new Plain();
/** @type {typeof picture|Plain} */
let source = picture;

/** What is played. */
export const media = () => source;

/** Whether there is a picture. */
export const hasPicture = () => source === picture;

/** @param {string} event @param {() => void} action */
export function onMedia(event, action) {
  video.addEventListener(event, () => hasPicture() && action());
  plain.addEventListener(event, () => source === plain && action());
}

/** Goes on without the video, from the same place. */
export function withoutPicture() {
  plain.currentTime = picture.currentTime;
  source = plain;
}

/** Goes on with the video, which is loaded next. */
export function withPicture() {
  plain.pause();
  source = picture;
}
