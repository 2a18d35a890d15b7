// Plays blocks of sound as they arrive. Says how much waits, and how often nothing did.

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
      // More than half a second behind: the oldest goes, so that the delay does not grow.
      while (this.waiting > sampleRate / 2 && this.blocks.length > 1) this.drop();
      this.started = true;
    };
  }

  drop() {
    this.waiting -= this.blocks.shift().length - this.at;
    this.at = 0;
  }

  process(inputs, outputs) {
    const out = outputs[0][0];
    for (let i = 0; i < out.length; i += 1) {
      if (!this.blocks.length) {
        if (this.started) this.gaps += 1;
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
