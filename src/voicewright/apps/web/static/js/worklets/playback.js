// Plays blocks of sound as they arrive. Says how much waits, and how often nothing did.

const AHEAD_S = 0.05; // blocks come unevenly: so much must wait before it plays
const MOST_S = 0.3;

class Playback extends AudioWorkletProcessor {
  constructor() {
    super();
    this.blocks = [];
    this.at = 0;
    this.waiting = 0;
    this.gaps = 0;
    this.started = false;
    this.ticks = 0;
    this.port.onmessage = (event) => {
      this.blocks.push(event.data);
      this.waiting += event.data.length;
      // Too far behind: the oldest goes, so that the delay does not grow.
      while (this.waiting > sampleRate * MOST_S && this.blocks.length > 1) this.drop();
      if (this.waiting >= sampleRate * AHEAD_S) this.started = true;
    };
  }

  drop() {
    this.waiting -= this.blocks.shift().length - this.at;
    this.at = 0;
  }

  process(inputs, outputs) {
    const out = outputs[0][0];
    for (let i = 0; this.started && i < out.length; i += 1) {
      if (!this.blocks.length) {
        this.gaps += 1;
        this.started = false;
        break;
      }
      out[i] = this.blocks[0][this.at];
      this.at += 1;
      this.waiting -= 1;
      if (this.at === this.blocks[0].length) {
        this.blocks.shift();
        this.at = 0;
      }
    }
    for (let channel = 1; channel < outputs[0].length; channel += 1) outputs[0][channel].set(out);
    this.ticks += 1;
    if (this.ticks % 64 === 0) this.port.postMessage({ waiting: this.waiting, gaps: this.gaps });
    return true;
  }
}

registerProcessor("playback", Playback);
