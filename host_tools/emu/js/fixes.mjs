// What rp2040js 1.4.1 does unlike the chip, as far as our images meet it. One function each, with the reason.
const EDGE_LOW = 4, EDGE_HIGH = 8, LEVEL_LOW = 1, LEVEL_HIGH = 2;
// Counts that the times of alarms may be off: a double of 2^30 ns and more ends at 0.2 ps, and an alarm that comes that much
// too early would be set again for ever.
const NEAR = 1e-3;
const ENTRY_CYCLES = 15, EXIT_CYCLES = 13;        // Cortex-M0+ TRM 3.3: interrupt latency without wait states; unstacking

export function apply(mcu, seed) {
  gpioEdges(mcu);
  pwmEnable(mcu);
  counters(mcu);
  adcInterrupt(mcu);
  ringOscillator(mcu, seed);
  brownOut(mcu);
  alarmState(mcu.clock);
  waiting(mcu.core);
  return exceptions(mcu);
}

// setInputValue() makes an edge whenever it is called, also when a pad register is written; and the level of an output is not
// seen by the input of its own pin, nor that of a pull resistor; and inputs are off until a pad register is written (data sheet
// 2.19.6.3: reset value 0x56). `driven`: what the world puts on the pin, undefined = nothing.
function gpioEdges(mcu) {
  for (const pin of mcu.gpio) {
    pin.driven = undefined;
    pin.padValue = 0x56;
    Object.defineProperty(pin, 'rawInputValue', {
      get() { return this.outputEnable ? this.outputValue : this.driven ?? this.pullupEnabled; },
      set(value) { void value; },
    });
    let last = false;
    pin.refreshInput = function () {
      const level = this.inputValue;
      const before = this.irqValue;
      this.irqStatus = (this.irqStatus & ~(LEVEL_LOW | LEVEL_HIGH)) | (level ? LEVEL_HIGH : LEVEL_LOW);
      if (level !== last) this.irqStatus |= level ? EDGE_HIGH : EDGE_LOW;
      last = level;
      if (this.irqValue !== before) this.rp2040.updateIOInterrupt();
    };
    pin.setInputValue = function (value) { this.driven = value; this.refreshInput(); };
  }
}

// The register EN reads as 0, so that hw_set_bits() on it stops the other slices.
function pwmEnable(mcu) {
  const channel = Object.getPrototypeOf(mcu.pwm.channels[0]);
  const set = Object.getOwnPropertyDescriptor(channel, 'en').set;
  Object.defineProperty(channel, 'en', { configurable: true, get() { return this.csr & 1; }, set });
}

// Counters are rounded to the nearest count: CTR is read one ahead of the chip half of the time, and an alarm that is set
// within a count is up to half a count off. The chip counts down to the cycle.
function counters(mcu) {
  const timer = mcu.pwm.channels[0].timer, proto = Object.getPrototypeOf(timer);
  const alarmProto = Object.getPrototypeOf(mcu.pwm.channels[0].alarmA);
  if (proto.exact) return;                        // the class, once for all chips
  const rounded = Object.getOwnPropertyDescriptor(proto, 'rawCounter').get, schedule = alarmProto.schedule;
  const UP = 0;
  proto.exact = function () {
    const ticks = (this.clock.nanos - this.baseNanos) * this.baseFreq / this.prescalerValue / 1e9;
    return this.enabled ? this.baseValue + ticks : this.baseValue;
  };
  Object.defineProperty(proto, 'rawCounter', { get() {
    if (this.timerMode !== UP || this.topValue === 0xffffffff || !this.baseFreq || !this.prescalerValue) return rounded.call(this);
    return Math.floor(this.exact() + NEAR) % (this.topValue + 1);
  } });
  alarmProto.schedule = function () {
    const t = this.timer;
    if (t.timerMode !== UP || t.topValue === 0xffffffff) return schedule.call(this);
    if (this.targetValue > t.topValue) return undefined;
    const period = t.topValue + 1;
    let left = (this.targetValue - t.exact()) % period;
    if (left < 0) left += period;
    if (left <= NEAR) left += period;             // the count at which it has just fired
    return this.clockAlarm.schedule(t.toNanos(left));
  };
}

// An interrupt of the ADC's FIFO stays pending behind the read that empties it.
function adcInterrupt(mcu) {
  const adc = mcu.adc, read = adc.readUint32;
  adc.readUint32 = function (offset) {
    const value = read.call(this, offset);
    if (offset === 0x0c) this.checkInterrupts();
    return value;
  };
}

// The ring oscillator is not there and reads as ones, so that os.urandom() is all 0xff: a bit stream from a seed.
function ringOscillator(mcu, seed) {
  let state = (seed * 2654435761 ^ 0x12345678) >>> 0 || 1;
  const rosc = mcu.peripherals[0x40060];
  rosc.readUint32 = (offset) => {
    if (offset === 0x18) return 0x80001000;
    if (offset !== 0x1c) return 0;
    state ^= state << 13; state ^= state >>> 17; state ^= state << 5;
    return (state >>> 7) & 1;
  };
  rosc.writeUint32 = () => {};
}

// VREG_AND_CHIP_RESET is not there: CHIP_RESET tells power-on (bit 8) apart, which machine.reset_cause() reads.
function brownOut(mcu) {
  const vreg = mcu.peripherals[0x40064];
  vreg.reason = 1 << 8;
  vreg.readUint32 = (offset) => offset === 8 ? vreg.reason : offset === 0 ? 0xb1 : 0;
  vreg.writeUint32 = () => {};
}

// An alarm that has fired still says `scheduled`.
function alarmState(clock) {
  clock.tick = function (delta) {
    const target = this.nanosCounter + delta;
    let alarm = this.nextAlarm;
    while (alarm && alarm.nanos <= target) {
      this.nextAlarm = alarm.next;
      this.nanosCounter = alarm.nanos;
      alarm.scheduled = false;
      alarm.callback();
      alarm = this.nextAlarm;
    }
    this.nanosCounter = target;
  };
}

// Entry and return of an exception cost nothing. Returns the account of cycles in handlers.
function exceptions(mcu) {
  const core = mcu.core, enter = core.exceptionEntry, leave = core.exceptionReturn;
  const account = { cycles: 0, entries: 0, longest: 0, since: 0, depth: 0, byNumber: {} };
  core.exceptionEntry = function (number) {
    if (account.depth++ === 0) { account.since = this.cycles; account.entries++; account.number = number; }
    enter.call(this, number);
    this.cycles += ENTRY_CYCLES;
  };
  core.exceptionReturn = function (code) {
    leave.call(this, code);
    this.cycles += EXIT_CYCLES;
    if (--account.depth === 0) {
      const took = this.cycles - account.since;
      account.cycles += took;
      if (took > account.longest) account.longest = took;
      const one = account.byNumber[account.number] ??= { entries: 0, cycles: 0, longest: 0 };
      one.entries++;
      one.cycles += took;
      if (took > one.longest) one.longest = took;
    }
  };
  return account;
}

// An interrupt that comes in while the core waits is taken although PRIMASK forbids it; WFI with an interrupt that pends
// already sleeps on. Here an interrupt only wakes, and the next instruction looks whether it may be taken.
function waiting(core) {
  core.setInterrupt = function (irq, value) {
    const bit = 1 << irq;
    if (!value) { this.pendingInterrupts &= ~bit; return; }
    if (this.pendingInterrupts & bit) return;
    this.pendingInterrupts |= bit;
    this.interruptsUpdated = true;
    if (this.enabledInterrupts & bit) this.waiting = false;
  };
}
