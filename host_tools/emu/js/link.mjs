// The pipes to the world. Lock-step: every message of this side is answered before emulated time goes on.
//
//   here -> world   length u32 | head: time f64 ns, cycles f64, idle f64 ns, cycles in handlers f64 | records
//   world -> here   length u32 | 'S' state (head of State, then bytes), 'R' until f64 + state, or 'J' JSON of a command
//
// Records: letter, time f64, then what the letter says (host_tools/emu/wire.py has the same list). Little-endian.
import fs from 'node:fs';

const [FROM_WORLD, TO_WORLD] = process.argv.slice(2, 4).map(Number);  // descriptors

export class Link {
  constructor() {
    this.buffer = Buffer.alloc(1 << 16);
    this.at = 36;
    this.head = () => [0, 0, 0, 0];
  }

  room(n) {
    if (this.at + n <= this.buffer.length) return;
    const more = Buffer.alloc(this.buffer.length * 2 + n);
    this.buffer.copy(more, 0, 0, this.at);
    this.buffer = more;
  }

  // A record: letter, time, and up to 65535 bytes with their number, or one number.
  put(letter, time, value) {
    this.room(32);
    this.buffer[this.at] = letter.charCodeAt(0);
    this.buffer.writeDoubleLE(time, this.at + 1);
    this.buffer.writeDoubleLE(value, this.at + 9);
    this.at += 17;
  }

  bytes(letter, time, data) {
    this.room(32 + data.length);
    this.buffer[this.at] = letter.charCodeAt(0);
    this.buffer.writeDoubleLE(time, this.at + 1);
    this.buffer.writeUInt32LE(data.length, this.at + 9);
    this.buffer.set(data, this.at + 13);
    this.at += 13 + data.length;
  }

  send() {
    this.buffer.writeUInt32LE(this.at - 4, 0);
    const [time, cycles, idle, handlers] = this.head();
    this.buffer.writeDoubleLE(time, 4);
    this.buffer.writeDoubleLE(cycles, 12);
    this.buffer.writeDoubleLE(idle, 20);
    this.buffer.writeDoubleLE(handlers, 28);
    for (let done = 0; done < this.at;) done += fs.writeSync(TO_WORLD, this.buffer, done, this.at - done);
    this.at = 36;
  }

  // The next message of the world, or null at the end of the pipe.
  receive() {
    const head = this.#read(4);
    return head && this.#read(head.readUInt32LE(0));
  }

  #read(n) {
    const data = Buffer.alloc(n);
    for (let got = 0; got < n;) {
      const more = fs.readSync(FROM_WORLD, data, got, n - got, null);
      if (!more) return null;
      got += more;
    }
    return data;
  }
}

// What the world says of itself in every answer; 47 bytes, then literal MISO bytes, bytes for the UART, for USB and for UART1.
//   flags u8 (1 = stop here) | INT u8 | mirror contact u8 | fill of MISO u8 | due f64 ns | CP high i16 mV | CP low i16 mV |
//   PP u16 mV | swapped u8 | INT connected u8 | number of fills u32 | miso u16 (0x100 = nobody drives) |
//   USB u16 (1 = a computer is plugged in, 2 = it reads) | n literal u32 | n UART u32 | n USB u32 |
//   MISO of the CAN chip u16 | INT of it u8 (2 = nobody drives) | n UART1 u32
export function state(data, at) {
  const literal = data.readUInt32LE(at + 28), uart = data.readUInt32LE(at + 32), usb = data.readUInt32LE(at + 36);
  const bus = data.readUInt32LE(at + 43), from = at + 47, second = from + literal, third = second + uart, fourth = third + usb;
  return {
    stop: data[at] & 1, int: data[at + 1], mirror: data[at + 2], fill: data[at + 3], due: data.readDoubleLE(at + 4),
    high: data.readInt16LE(at + 12), low: data.readInt16LE(at + 14), pp: data.readUInt16LE(at + 16), swapped: data[at + 18],
    canMiso: data.readUInt16LE(at + 40), canInt: data[at + 42],
    wired: data[at + 19], fills: data.readUInt32LE(at + 20), miso: data.readUInt16LE(at + 24),
    literal: data.subarray(from, second), uart: data.subarray(second, third),
    usb: { plugged: !!(data[at + 26] & 1), reads: !!(data[at + 26] & 2), bytes: data.subarray(third, fourth) },
    bus: data.subarray(fourth, fourth + bus),
  };
}
