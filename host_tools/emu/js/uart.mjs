// PL011 with its FIFOs and the time of a byte. rp2040js sends a byte in no time, has no transmit FIFO, raises TXINTR again at
// every check (the UART REPL of MicroPython, which enables every interrupt, then never leaves its handler), and has neither the
// receive time-out nor an overrun. Behaviour from the PL011 manual (ARM DDI 0183, 3.3 and 3.4) and the RP2040 data sheet, 4.2.

const DR = 0x00, RSR = 0x04, FR = 0x18, IBRD = 0x24, FBRD = 0x28, LCR_H = 0x2c, CR = 0x30, IFLS = 0x34, IMSC = 0x38,
  RIS = 0x3c, MIS = 0x40, ICR = 0x44, DMACR = 0x48;
const RX = 1 << 4, TX = 1 << 5, RT = 1 << 6, OE = 1 << 10;
const LEVELS = [4, 8, 16, 24, 28];                // characters of a FIFO of 32, by IFLS

export class Uart {
  // onByte(byte) gets what leaves the pin, when its last bit does; onIdle() when nothing is left to send.
  constructor(mcu, uart, onByte, onIdle) {
    Object.assign(this, { mcu, uart, onByte, onIdle });
    this.rx = [];
    this.tx = [];
    this.line = [];                               // bytes on their way to the pin
    this.sending = false;
    this.status = 0;
    this.mask = 0;
    this.lcr = this.dmacr = 0;
    this.cr = 0x300;
    this.ifls = 0x12;
    this.overruns = 0;
    this.txAlarm = mcu.clock.createAlarm(() => this.#sent());
    this.rxAlarm = mcu.clock.createAlarm(() => this.#arrived());
    this.timeout = mcu.clock.createAlarm(() => {
      this.timeout.scheduled = false;
      if (this.rx.length) { this.status |= RT; this.#check(); }
    });
    uart.readUint32 = (offset) => this.#read(offset);
    uart.writeUint32 = (offset, value) => this.#write(offset, value);
  }

  // Bytes that the other side sends, one after the other at the baud rate of this side.
  feed(bytes) {
    for (const b of bytes) this.line.push(b);
    if (!this.rxAlarm.scheduled) this.rxAlarm.schedule(this.byteNanos);
  }

  // Start bit, 8 data bits, parity, stop bits.
  get bits() { return 10 + (this.lcr >> 1 & 1) + (this.lcr >> 3 & 1); }
  get parity() { return this.lcr & 2 ? (this.lcr & 4 ? 1 : 2) : 0; }  // none, even, odd
  get bitNanos() { return 16e9 * (this.uart.intDivisor + this.uart.fracDivisor / 64) / this.mcu.clkPeri; }
  get byteNanos() { return this.bits * this.bitNanos || 86806; }
  get depth() { return this.lcr & 0x10 ? 32 : 1; }

  #check() { this.mcu.setInterrupt(this.uart.irq, !!(this.status & this.mask)); }

  #arrived() {
    this.rxAlarm.scheduled = false;
    const byte = this.line.shift();
    if (this.line.length) this.rxAlarm.schedule(this.byteNanos);
    if (!(this.cr & 1)) return;
    if (this.rx.length >= this.depth) {
      this.overruns++;
      this.status |= OE;
    } else this.rx.push(byte);
    if (this.rx.length >= (this.depth === 1 ? 1 : LEVELS[(this.ifls >> 3) & 7])) this.status |= RX;
    this.timeout.schedule(this.byteNanos * 3.2);  // 32 bit periods
    this.#check();
  }

  #sent() {
    this.txAlarm.scheduled = false;
    this.onByte(this.tx.shift());
    this.#transmitLevel();
    if (this.tx.length) this.txAlarm.schedule(this.byteNanos);
    else { this.sending = false; this.onIdle(); }
  }

  #transmitLevel() {
    if (this.tx.length === (this.depth === 1 ? 0 : LEVELS[this.ifls & 7])) { this.status |= TX; this.#check(); }
  }

  #read(offset) {
    switch (offset) {
      case DR: {
        const value = this.rx.length ? this.rx.shift() : 0;
        if (this.rx.length < (this.depth === 1 ? 1 : LEVELS[(this.ifls >> 3) & 7])) this.status &= ~RX;
        if (!this.rx.length) { this.status &= ~RT; this.timeout.cancel(); }
        else if (!this.timeout.scheduled) this.timeout.schedule(this.byteNanos * 3.2);
        this.#check();
        return value;
      }
      case RSR: return 0;
      case FR: return (this.tx.length ? 0 : 0x80) | (this.rx.length >= this.depth ? 0x40 : 0)
        | (this.tx.length > this.depth ? 0x20 : 0) | (this.rx.length ? 0 : 0x10) | (this.tx.length ? 8 : 0);
      case IBRD: return this.uart.intDivisor;
      case FBRD: return this.uart.fracDivisor;
      case LCR_H: return this.lcr;
      case CR: return this.cr;
      case IFLS: return this.ifls;
      case IMSC: return this.mask;
      case RIS: return this.status;
      case MIS: return this.status & this.mask;
      case DMACR: return this.dmacr;
      case 0xfe0: return 0x11;
      case 0xfe4: return 0x10;
      case 0xfe8: return 0x34;
      case 0xff0: return 0x0d;
      case 0xff4: return 0xf0;
      case 0xff8: return 0x05;
      case 0xffc: return 0xb1;
    }
    return 0;
  }

  #write(offset, value) {
    switch (offset) {
      case DR:
        if (!(this.cr & 1) || this.tx.length > this.depth) return;  // one byte more: the shift register
        this.tx.push(value & 0xff);
        if (!this.sending) { this.sending = true; this.txAlarm.schedule(this.byteNanos); }
        return;
      case IBRD: this.uart.intDivisor = value & 0xffff; return;
      case FBRD: this.uart.fracDivisor = value & 0x3f; return;
      case LCR_H: this.lcr = value; return;
      case CR: this.cr = value; return;
      case IFLS: this.ifls = value; return;
      case IMSC: this.mask = value & 0x7ff; this.#check(); return;
      case ICR:
        this.status &= ~this.uart.rawWriteValue;
        if (this.rx.length && !this.timeout.scheduled) this.timeout.schedule(this.byteNanos * 3.2);
        this.#check();
        return;
      case DMACR: this.dmacr = value; return;
    }
  }
}
