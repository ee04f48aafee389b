// One take as sound: its mix, or its stems, which start at the same sample.

/** How long a change of level takes, in seconds: too short to be heard as a fade, too long for a click. */
const FADE = 0.012;

export class Deck {
  /** @param {AudioContext} context @param {AudioNode} out @param {string} version */
  constructor(context, out, version) {
    this.context = context;
    this.version = version;
    /** Loudness of the take, LUFS; null until it is known. @type {number|null} */
    this.loudness = null;
    /** @type {AudioBuffer|null} */
    this.mix = null;
    /** @type {Map<string, AudioBuffer>|null} */
    this.stems = null;
    this.out = context.createGain();
    this.out.gain.value = 0;
    this.out.connect(out);
    /** @type {Map<string, {gain: GainNode, meter: AnalyserNode}>} */
    this.channels = new Map();
    /** @type {{source: AudioBufferSourceNode, gain: GainNode}[]} */
    this.playing = [];
    /** Context time at which the sound's time 0 was or would have been. */
    this.origin = 0;
    this.rate = 1;
    this.playsStems = false;
    /** What it is faded to. */
    this.level = 0;
  }

  get ready() {
    return this.mix !== null || this.stems !== null;
  }

  /** @param {string} name */
  channel(name) {
    let channel = this.channels.get(name);
    if (!channel) {
      const gain = this.context.createGain();
      const meter = this.context.createAnalyser();
      meter.fftSize = 1024;
      gain.connect(meter).connect(this.out);
      channel = { gain, meter };
      this.channels.set(name, channel);
    }
    return channel;
  }

  /** @param {AudioParam} param @param {number} value */
  fade(param, value) {
    const at = this.context.currentTime;
    param.cancelScheduledValues(at);
    param.setValueAtTime(param.value, at);
    param.linearRampToValueAtTime(value, at + FADE);
  }

  /** @param {number} level */
  setLevel(level) {
    this.level = level;
    this.fade(this.out.gain, level);
  }

  /** @param {(name: string) => number} levelOf */
  setChannels(levelOf) {
    for (const [name, { gain }] of this.channels) this.fade(gain.gain, name === "" ? 1 : levelOf(name));
  }

  /**
   * Plays from a place, from the stems if they are here and wanted. What plays already fades out.
   * @param {number} offset seconds of the sound @param {number} rate @param {boolean} stems
   * @param {(name: string) => number} levelOf
   */
  start(offset, rate, stems, levelOf) {
    this.stop();
    this.playsStems = this.stems !== null && (stems || this.mix === null);
    const buffers = (this.playsStems ? this.stems : null) ?? (this.mix ? new Map([["", this.mix]]) : new Map());
    // A little later than now, so that all stems begin in the same block.
    const at = this.context.currentTime + 0.02;
    for (const [name, buffer] of buffers) {
      const source = this.context.createBufferSource();
      source.buffer = buffer;
      source.playbackRate.value = rate;
      const gain = this.context.createGain();
      gain.gain.setValueAtTime(0, at);
      gain.gain.linearRampToValueAtTime(1, at + FADE);
      const channel = this.channel(name);
      channel.gain.gain.value = name === "" ? 1 : levelOf(name);
      source.connect(gain).connect(channel.gain);
      const place = offset + 0.02 * rate;
      if (place >= 0) source.start(at, Math.min(place, buffer.duration));
      else source.start(at - place / rate, 0);
      this.playing.push({ source, gain });
    }
    this.rate = rate;
    this.origin = this.context.currentTime - offset / rate;
  }

  stop() {
    const at = this.context.currentTime;
    for (const { source, gain } of this.playing) {
      gain.gain.cancelScheduledValues(at);
      gain.gain.setValueAtTime(gain.gain.value, at);
      gain.gain.linearRampToValueAtTime(0, at + FADE);
      source.stop(at + FADE);
      source.onended = () => gain.disconnect();
    }
    this.playing = [];
  }

  /** The place in the sound that is played at a context time. @param {number} at */
  place(at) {
    return (at - this.origin) * this.rate;
  }

  /** Goes on a little faster or slower, from the same place. @param {number} rate */
  bend(rate) {
    if (rate === this.rate) return;
    const at = this.context.currentTime;
    this.origin = at - this.place(at) / rate;
    this.rate = rate;
    for (const { source } of this.playing) source.playbackRate.setValueAtTime(rate, at);
  }

  /** Ends it for good. */
  close() {
    this.stop();
    window.setTimeout(() => this.out.disconnect(), FADE * 2000 + 50);
  }
}
