// The RP2040 with its image: power-on, reset, and the loop that runs it. Time is counted in cycles and never looks at a clock.
import { RP2040, ConsoleLogger, LogLevel } from './lib.mjs';
import * as fixes from './fixes.mjs';
import { Cache } from './cache.mjs';
import { execute } from './core.mjs';
import { Flash } from './flash.mjs';
import * as rom from './rom.mjs';
import { Uart } from './uart.mjs';
import { Profile, Watch } from './watch.mjs';

const BOOT2_RAM = 0x20041f00, XIP = 0x10000000, UF2 = 0x0a324655;

// Bytes of a UF2 or a plain image, written into `flash`.
export function load(flash, data) {
  if (data.length < 4 || data.readUInt32LE(0) !== UF2) { flash.set(data, 0); return data.length; }
  let end = 0;
  for (let at = 0; at + 512 <= data.length; at += 512) {
    const to = data.readUInt32LE(at + 12) - XIP, n = data.readUInt32LE(at + 16);
    if (to < 0 || to + n > flash.length || n > 476) throw new Error('UF2 block outside of the flash');
    flash.set(data.subarray(at + 32, at + 32 + n), to);
    end = Math.max(end, to + n);
  }
  return end;
}

export class Chip {
  // wire(chip): connects pins and peripherals of a chip that has just been made; again behind every reset.
  // `nanos` is the time of the bench; the counters of the chip begin anew with every reset, as the chip's do.
  constructor({ seed = 1, wire, uart, uart1 }) {
    Object.assign(this, { seed, wire, uartHooks: uart, uart1Hooks: uart1 });
    this.cutAt = Infinity;                        // when the power goes
    this.cutIn = null;                            // or: in which operation of the flash, { operations, part }
    this.origin = 0;                              // time of the bench at the last reset
    this.watch = new Watch(this);
    this.profile = new Profile(this);
    this.boots = 0;
    this.total = { cycles: 0, instructions: 0, idleNanos: 0, handlerCycles: 0 };
    this.make('power on');
  }

  get nanos() { return this.origin + this.mcu.clock.nanosCounter; }
  get cycles() { return this.total.cycles + this.mcu.core.cycles; }
  get instructions() { return this.total.instructions + this.steps; }
  get idleNanos() { return this.total.idleNanos + this.idle; }
  get handlerCycles() { return this.total.handlerCycles + this.account.cycles; }

  // A chip as it comes out of reset. What survives: flash; and behind a watchdog reset its scratch registers and reason.
  make(why) {
    const old = this.mcu, watchdog = why === 'watchdog' && old ? old.peripherals[0x40058] : null;
    if (old) {
      this.origin += old.clock.nanosCounter;
      this.total.cycles += old.core.cycles;
      this.total.instructions += this.steps;
      this.total.idleNanos += this.idle;
      this.total.handlerCycles += this.account.cycles;
    }
    this.steps = this.idle = 0;
    this.off = this.stopped = false;
    this.fault = '';
    this.again = '';
    this.wokenAt = 0;
    this.longest = { nanos: 0, until: 0 };        // without an idle moment
    const mcu = this.mcu = new RP2040();
    mcu.logger = new ConsoleLogger(LogLevel.Error, false);
    rom.build(mcu.bootrom);
    if (old) { mcu.flash = old.flash; mcu.flash16 = old.flash16; mcu.flashView = old.flashView; mcu.core.reset(); }
    this.account = fixes.apply(mcu, this.seed + this.boots);
    this.flash = new Flash(this, this.seed + this.boots);
    this.nanosPerCycle = 8;
    this.waited = 0;
    this.cache = new Cache();
    this.flash32 = new Uint32Array(mcu.flash.buffer);
    this.ram8 = mcu.sram;
    this.ram16 = new Uint16Array(mcu.sram.buffer);
    this.ram32 = new Uint32Array(mcu.sram.buffer);
    this.rom16 = new Uint16Array(mcu.bootrom.buffer);
    mcu.addClockListener((hz) => { this.nanosPerCycle = 1e9 / hz; });
    mcu.onBreak = (n) => this.#break(n);
    const dog = mcu.peripherals[0x40058];
    // The alarm at zero would be set again for the same moment, for ever.
    dog.onWatchdogTrigger = () => { dog.alarm.enable = false; this.again = 'watchdog'; this.stopped = true; };
    if (watchdog) {
      dog.scratchData.set(watchdog.scratchData);
      dog.reason = watchdog.reason;
      mcu.peripherals[0x40064].reason = 0;
    }
    this.uart = new Uart(mcu, mcu.uart[0], this.uartHooks.byte, this.uartHooks.idle);
    this.uart1 = new Uart(mcu, mcu.uart[1], this.uart1Hooks.byte, this.uart1Hooks.idle);
    this.watch.arm();
    this.profile.arm();
    this.wire(this);
    this.boots++;
    this.#boot();
  }

  // What the ROM does with a flash image: the second stage goes to the top of SRAM and runs from there, LR 0.
  #boot() {
    const { mcu } = this;
    mcu.sram.set(mcu.flash.subarray(0, 256), BOOT2_RAM - 0x20000000);
    mcu.core.SP = BOOT2_RAM;
    mcu.core.LR = 0;
    mcu.core.PC = BOOT2_RAM;
  }

  #break(n) {
    const { core } = this.mcu;
    if (this.watch.hit(n)) return undefined;
    if (core.PC > 0x4000) return this.halt(`bkpt ${n} at ${(core.PC - 2).toString(16)}, lr ${core.LR.toString(16)}`);
    const cycles = Math.round(rom.call(this, n));   // first: wait() counts cycles too
    core.cycles += cycles;
  }

  halt(why) { this.fault = why; this.stopped = true; }

  // Time passes while the processor stands still (flash operations).
  wait(nanos) {
    const cycles = Math.round(nanos / this.nanosPerCycle);
    this.mcu.core.cycles += cycles;
    this.waited += cycles;
    const left = this.cutAt - this.nanos;
    this.#tick(Math.min(nanos, left));
    if (left <= nanos) { this.off = this.stopped = true; }
  }

  #tick(delta) { this.mcu.clock.tick(delta); }

  // Run to the time `until` of the bench, or until stop() or a fault. A reset goes on by itself.
  run(until) {
    this.stopped = false;
    while (true) {
      this.#span(until);
      if (this.again) { const why = this.again; this.onReset?.(why); this.make(why); continue; }
      return;
    }
  }

  stop() { this.stopped = true; }

  #span(until) {
    const { mcu } = this, { core, clock } = mcu;
    const end = Math.min(until, this.cutAt) - this.origin;
    while (!this.stopped) {
      if (clock.nanosCounter >= end) {
        if (this.nanos >= this.cutAt) this.off = true;
        return;
      }
      if (core.waiting && core.pendingInterrupts & core.enabledInterrupts) core.waiting = false;
      if (core.waiting) {
        const busy = clock.nanosCounter - this.wokenAt;
        if (busy > this.longest.nanos) { this.longest.nanos = busy; this.longest.until = this.nanos; }
        while (core.waiting && !this.stopped && clock.nanosCounter < end) {
          const next = clock.nextAlarm;
          const delta = next === null ? end - clock.nanosCounter : Math.min(Math.max(next.nanos - clock.nanosCounter, 0), end - clock.nanosCounter);
          this.idle += delta;
          clock.tick(delta);
          if (core.eventRegistered) { core.eventRegistered = false; core.waiting = false; }
        }
        this.wokenAt = clock.nanosCounter;
        continue;
      }
      execute(this, end);
    }
  }
}
