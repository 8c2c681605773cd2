// The board's wiring: which pin goes where, and what the world hears of it. Pins as in boards/rpi_pico.
import { state } from './link.mjs';
import { UsbHost } from './usb.mjs';

const PIN = { de: 6, enable: 7, canInt: 8, canCs: 9, canSck: 10, canMiso: 12, mirror: 13, contactor: 14, pilot: 15, miso: 16, cs: 17, sck: 18, mosi: 19, int: 20, reset: 21 };
const PILOT_CHANNEL = 0, PROXIMITY_CHANNEL = 1;
const SIO = 5, SPI = 1;                           // functions of a pin
const FULL_SCALE_MV = 3300;
const STILL_NANOS = 2.5e6;                        // no edge of the pilot for so long: a steady level
const HIGH = 1, LOW = 0;                          // GPIOPinState
const FLOATING = 0x100;

export class Bench {
  constructor(link) {
    this.link = link;
    this.state = { due: Infinity, literal: [], uart: [], fills: 0, int: 0, mirror: 0, high: 12000, low: -12000, pp: FULL_SCALE_MV, wired: 1, swapped: 0, canInt: 2, canMiso: FLOATING, bus: [], usb: { plugged: false, reads: true, bytes: [] } };
    this.ahead = 0;                               // of state.literal
    this.mosi = Buffer.alloc(8192);
    this.mosiLength = 0;
    this.text = [];
    this.line = [];                               // what has left UART1
    this.speed = -1;                              // of it, as the world knows it
    this.adc = { samples: 0, high: 0, longestGap: 0, gapEnd: 0, lastHigh: null, low: 0 };
  }

  // Hooks for chip.mjs.
  get uart() {
    return {
      byte: (b) => { this.text.push(b); if (b === 10 || this.text.length >= 256) this.sync(); },
      idle: () => { if (this.text.length) this.sync(); },
    };
  }

  // UART1: what listens there needs to know when a frame ends, and at what speed it came.
  get uart1() { return { byte: (b) => this.line.push(b), idle: () => this.sync() }; }

  connect(chip) {
    this.chip = chip;
    const mcu = chip.mcu, gpio = mcu.gpio;
    this.due = mcu.clock.createAlarm(() => this.sync());
    this.still = mcu.clock.createAlarm(() => this.#steady());
    this.done = mcu.clock.createAlarm(() => { this.spi.completeTransmit(this.answer); });
    this.spi = mcu.spi[0];
    this.spi.onTransmit = (byte) => this.#transmit(byte);
    this.clockHz = 0;
    this.permille = -1;
    this.rose = this.fell = null;
    this.bit = { count: 0, value: 0, out: 0 };
    gpio[PIN.cs].addListener((now) => this.#select(now));
    this.#connectCan(mcu, gpio);
    gpio[PIN.contactor].addListener((now) => this.#output('g', now));
    gpio[PIN.enable].addListener((now) => this.#output('e', now));
    gpio[PIN.de].addListener((now) => this.#output('D', now));
    gpio[PIN.reset].addListener((now) => this.#output('r', now));
    gpio[PIN.pilot].addListener((now) => this.#edge(now));
    gpio[PIN.sck].addListener((now) => this.#sck(now));
    mcu.adc.onADCRead = (channel) => this.#convert(channel);
    this.selected = false;
    this.usb = new UsbHost(mcu, (bytes) => { this.link.bytes('U', chip.nanos, bytes); this.sync(); });
    this.#apply();
  }

  // The CAN chip on the second SPI: few bytes, so each is asked.
  #connectCan(mcu, gpio) {
    const spi = mcu.spi[1];
    let answer = 0, selected = false;
    const done = mcu.clock.createAlarm(() => spi.completeTransmit(answer));
    spi.onTransmit = (byte) => {
      const connected = gpio[PIN.canSck].functionSelect === SPI && gpio[PIN.canMiso].functionSelect === SPI;
      answer = 0;
      if (selected && connected) {
        this.sync('Q', byte);
        answer = this.state.canMiso === FLOATING ? (gpio[PIN.canMiso].pullupEnabled ? 0xff : 0) : this.state.canMiso;
      }
      done.schedule(8e9 / (spi.clockFrequency || 1e6));
    };
    gpio[PIN.canCs].addListener((now) => {
      if (selected === (now === LOW)) return;
      selected = now === LOW;
      this.sync('C', selected ? 0 : 1);
    });
  }

  // -- the world

  // Tell everything that has happened, take what the world says to it.
  sync(letter, value) {
    const now = this.chip.nanos, link = this.link;
    this.flush();
    if (letter) link.put(letter, now, value);
    link.send();
    const data = link.receive();
    if (!data) process.exit(0);
    this.take(data, 1);
  }

  flush() {
    const now = this.chip.nanos;
    if (this.mosiLength) {
      this.link.bytes('b', now, this.mosi.subarray(0, this.mosiLength));
      this.mosiLength = 0;
    }
    if (this.text.length) {
      this.link.bytes('u', now, Uint8Array.from(this.text));
      this.text.length = 0;
    }
    if (this.line.length) {
      const { bitNanos, parity } = this.chip.uart1, speed = 4 * Math.round(1e9 / bitNanos) + parity;
      if (speed !== this.speed) this.link.put('w', now, this.speed = speed);
      this.link.bytes('v', now, Uint8Array.from(this.line));
      this.line.length = 0;
    }
  }

  take(data, at) {
    this.state = state(data, at);
    this.ahead = 0;
    this.#apply();
    if (this.state.stop) this.chip.stop();
  }

  #apply() {
    const { chip, state: s } = this, gpio = chip.mcu.gpio;
    const drive = (n, level) => { const pin = gpio[n]; if (pin.driven !== level) pin.setInputValue(level); };
    drive(PIN.int, s.wired ? !!s.int : undefined);
    drive(PIN.mirror, !!s.mirror);
    drive(PIN.canInt, s.canInt === 2 ? undefined : !!s.canInt);
    if (s.due === Infinity) this.due.cancel();
    else this.due.schedule(Math.max(0, s.due - chip.nanos));
    if (s.uart.length) { chip.uart.feed(s.uart); s.uart = []; }
    if (s.bus.length) { chip.uart1.feed(s.bus); s.bus = []; }
    this.usb.apply(s.usb);
    s.usb.bytes = [];
  }

  // -- outputs

  #output(letter, now) { this.sync(letter, now === HIGH ? 1 : now === LOW ? 0 : 2); }

  #select(now) {
    const selected = now === LOW;
    if (selected === this.selected) return;
    this.selected = selected;
    this.bit = { count: 0, value: 0, out: 0 };
    if (selected) {
      this.flush();
      this.link.put('c', this.chip.nanos, 0);
      // The first bytes of a transfer are answered by what the world said last.
    } else this.sync('c', 1);
  }

  // Duty of the pilot, as a meter on the wire would show it.
  #edge(now) {
    const time = this.chip.nanos;
    this.still.schedule(STILL_NANOS);
    if (now === LOW) { this.fell = time; return; }
    if (now !== HIGH) return;
    if (this.rose !== null && this.fell > this.rose) this.#duty(Math.round(1000 * (this.fell - this.rose) / (time - this.rose)));
    this.rose = time;
  }

  #steady() {
    this.rose = this.fell = null;
    this.#duty(this.#pilotHigh() ? 1000 : 0);
  }

  #pilotHigh() { return this.chip.mcu.gpio[PIN.pilot].rawInputValue; }

  #duty(permille) {
    if (permille === this.permille) return;
    this.permille = permille;
    this.sync('d', permille);
  }

  // -- SPI

  #transmit(byte) {
    const { mcu } = this.chip, { spi } = this, hz = spi.clockFrequency || 1e6;
    if (hz !== this.clockHz) {
      this.clockHz = hz;
      this.flush();
      this.link.put('f', this.chip.nanos, hz);
    }
    // Each pin of the peripheral is where its function says; a pin that has another one is not connected to it.
    const connected = mcu.gpio[PIN.sck].functionSelect === SPI && mcu.gpio[PIN.miso].functionSelect === SPI;
    this.answer = connected ? this.#exchange(byte) : 0;
    this.done.schedule(8e9 / hz);
  }

  #exchange(byte) {
    const gpio = this.chip.mcu.gpio;
    if (!this.selected) return gpio[PIN.miso].pullupEnabled ? 0xff : 0;
    if (this.state.swapped) {                     // the chip's input hangs on a pin that nobody drives
      this.#byte(gpio[PIN.miso].pullupEnabled ? 0xff : 0);
      return gpio[PIN.miso].pullupEnabled ? 0xff : 0;
    }
    const miso = this.#byte(byte);
    return miso === FLOATING ? (gpio[PIN.miso].pullupEnabled ? 0xff : 0) : miso;
  }

  // One byte into the chip model, one out of it: from what it has said ahead, else it is asked.
  #byte(mosi) {
    const s = this.state;
    if (this.ahead < s.literal.length + s.fills) {
      const miso = this.ahead < s.literal.length ? s.literal[this.ahead] : s.fill;
      this.ahead++;
      if (this.mosiLength === this.mosi.length) this.flush();
      this.mosi[this.mosiLength++] = mosi;
      return miso;
    }
    this.sync('q', mosi);
    return this.state.miso;
  }

  // SPI by hand (SoftSPI, mode 3): the chip takes a bit at each rising edge and shows the next at each falling one.
  #sck(now) {
    const gpio = this.chip.mcu.gpio;
    if (gpio[PIN.sck].functionSelect !== SIO || !this.selected) return;
    const into = gpio[this.state.swapped ? PIN.miso : PIN.mosi], out = gpio[this.state.swapped ? PIN.mosi : PIN.miso];
    const bit = this.bit;
    if (now === LOW) {
      if (bit.count === 0) bit.out = this.#peek();
      out.setInputValue(bit.out === FLOATING ? undefined : !!(bit.out >> (7 - bit.count) & 1));
    } else if (now === HIGH) {
      bit.value = bit.value << 1 | (into.rawInputValue ? 1 : 0);
      if (++bit.count === 8) { this.#byte(bit.value & 0xff); bit.count = bit.value = 0; }
    }
  }

  // The next MISO byte without taking it; the world says at least one ahead unless it depends on what comes.
  #peek() {
    const s = this.state;
    if (this.ahead >= s.literal.length + s.fills) this.sync();
    const n = this.ahead, now = this.state;
    return n < now.literal.length ? now.literal[n] : n < now.literal.length + now.fills ? now.fill : FLOATING;
  }

  // -- ADC

  #convert(channel) {
    const { chip, adc } = this, { mcu } = chip;
    let mv = 0;
    if (channel === PILOT_CHANNEL) {
      const high = this.#pilotHigh();
      mv = FULL_SCALE_MV / 2 + (high ? this.state.high : this.state.low) / 8;
      adc.samples++;
      if (high) {
        const now = chip.nanos;
        adc.high++;
        if (adc.lastHigh !== null && now - adc.lastHigh > adc.longestGap) { adc.longestGap = now - adc.lastHigh; adc.gapEnd = now; }
        adc.lastHigh = now;
      } else adc.low++;
    } else if (channel === PROXIMITY_CHANNEL) mv = this.state.pp;
    else if (channel === 4) mv = 706;             // 27 degrees
    mcu.adc.channelValues[channel] = Math.max(0, Math.min(4095, Math.round(mv * 4096 / FULL_SCALE_MV)));
    mcu.adc.currentChannel = channel;
    mcu.adc.sampleAlarm.schedule(2000);
  }

  // The account since the last call; gaps begin anew.
  metrics() {
    const { chip, adc } = this;
    const open = adc.lastHigh === null ? 0 : chip.nanos - adc.lastHigh;
    const out = {
      samples: adc.samples, high: adc.high, low: adc.low, longest_gap_ns: Math.max(adc.longestGap, open), gap_end_ns: adc.gapEnd,
      handlers: chip.account.byNumber, longest_handler_cycles: chip.account.longest, longest_busy_ns: chip.longest.nanos,
      busy_until_ns: chip.longest.until, erased: chip.flash.erased, programmed: chip.flash.programmed,
      overruns: chip.uart.overruns, boots: chip.boots, instructions: chip.instructions,
      misses: chip.cache.misses, watch: chip.watch.report(),
    };
    Object.assign(adc, { samples: 0, high: 0, low: 0, longestGap: 0, lastHigh: adc.lastHigh === null ? null : chip.nanos });
    chip.longest = { nanos: 0, until: 0 };
    chip.account.longest = 0;
    chip.flash.erased = chip.flash.programmed = 0;
    return out;
  }
}
