// What the loop of core.mjs hands over when it needs more than registers and memory.

export const RAM = 0x20000000, RAM_SIZE = 0x42000;
const SIO_DIVIDER = 0xd0000060;

// What leaves the registers of execute(): accesses beyond memory, exceptions, rare instructions. Flags as in execute().
export class State {
  constructor(chip, end) {
    const { mcu } = chip;
    Object.assign(this, { chip, mcu, end, core: mcu.core, clock: mcu.clock });
    this.result = this.c = this.v = this.pc = this.cycles = this.limit = this.base = this.baseNanos = 0;
    this.perCycle = 8;
  }

  load() {                                        // from the core, after something else had it
    const { core } = this;
    this.result = core.Z ? 0 : core.N ? -1 : 1;
    this.c = core.C ? 1 : 0;
    this.v = core.V ? 1 : 0;
    this.pc = core.registers[15] & ~1;
  }

  save() {
    const { core } = this;
    core.N = this.result < 0;
    core.Z = this.result === 0;
    core.C = this.c === 1;
    core.V = this.v === 1;
    core.registers[15] = this.pc;
  }

  // Clock and cycle counter as they are now, for whoever may look at them.
  tell() {
    this.core.cycles = this.cycles;
    this.clock.nanosCounter = this.baseNanos + (this.cycles - this.base) * this.perCycle;
  }

  // Time for cycles that rp2040js's core has counted itself since `before`; wait() has told the clock of its own.
  charge(before) {
    const { chip } = this;
    this.clock.nanosCounter += (this.core.cycles - before - chip.waited) * chip.nanosPerCycle;
    chip.waited = 0;
  }

  // Anything may have changed: begin a new span.
  renew() {
    const { core, clock, chip, end } = this;
    this.cycles = this.base = core.cycles;
    this.baseNanos = clock.nanosCounter;
    this.perCycle = chip.nanosPerCycle;
    const alarm = clock.nextAlarm, next = alarm !== null && alarm.nanos < end ? alarm.nanos : end;
    const stop = core.interruptsUpdated || core.waiting || chip.stopped;
    this.limit = stop ? -1 : this.base + Math.max(1, Math.ceil((next - this.baseNanos) / this.perCycle - 1e-9));
  }

  #step(call) {
    this.tell();
    this.save();
    const before = this.core.cycles;
    call(this.core);
    this.charge(before);
    this.load();
    this.renew();
  }

  instruction() { this.#step((core) => core.executeInstruction()); }

  leave(code) { this.#step((core) => core.exceptionReturn(code & 0x0fffffff)); }

  // Cycles of the access itself: none at the I/O port, more at the slow peripherals.
  #waits(address, write) { return address >>> 28 === 0xd ? 0 : address >>> 28 === 4 ? (write ? 4 : 3) : 1; }

  read(address, size) {
    const { mcu, chip, core } = this;
    let value;
    address >>>= 0;
    const ram = address - RAM >>> 0;
    if (ram < RAM_SIZE && size === 4 && !(ram & 3)) value = chip.ram32[ram >> 2];
    else if (address >>> 24 === 0x10 && size === 4 && !(address & 3)) {  // LDM out of the flash
      this.cycles += chip.cache.miss(address);
      value = chip.flash32[(address & 0xffffff) >> 2];
    } else if (address >= SIO_DIVIDER && address < SIO_DIVIDER + 0x20) value = mcu.sio.readUint32(address & 0xfff);
    else {
      this.tell();
      core.registers[15] = this.pc;
      value = size === 4 ? mcu.readUint32(address) : size === 2 ? mcu.readUint16(address) : mcu.readUint8(address);
      this.renew();
    }
    this.cycles += this.#waits(address, false);
    return value;
  }

  write(address, value, size) {
    const { mcu, core } = this;
    address >>>= 0;
    if (address >= SIO_DIVIDER && address < SIO_DIVIDER + 0x20) {
      core.cycles = this.cycles;                  // a division is charged by rp2040js
      mcu.sio.writeUint32(address & 0xfff, value);
      this.cycles = core.cycles;
    } else {
      this.tell();
      core.registers[15] = this.pc;
      if (size === 4) mcu.writeUint32(address, value);
      else if (size === 2) mcu.writeUint16(address, value & 0xffff);
      else mcu.writeUint8(address, value & 0xff);
      this.renew();
    }
    this.cycles += this.#waits(address, true);
  }
}
