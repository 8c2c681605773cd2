// Commands of the world; between them the chip stands still.
//
//   {"do": "boot", "image": PATH, "seed": N}   load an image into an empty flash; power-on
//   {"do": "write", "at": N, "data": base64}, {"do": "read", "at": N, "n": N}      flash
//   {"do": "ram", "at": address, "n": N}
//   {"do": "power"}                            power-on with the flash as it is
//   {"do": "cut", "at": ns}                    the power goes at that time; null = no more
//   {"do": "watch", "name": ..., "at": address, "span": bool}      see watch.mjs
//   {"do": "profile", "every": ns}            [[address or 0 = asleep, times]] since the last; every: start
//   {"do": "cut in", "operations": n, "part": 0..1}      or within the flash operation behind the next n
//   {"do": "metrics"}
//   R until state                              run
import fs from 'node:fs';
import { Bench } from './bench.mjs';
import { Chip, load } from './chip.mjs';
import { Link } from './link.mjs';

const link = new Link();
const bench = new Bench(link);
const SRAM = 0x20000000;
let chip = null;

function answer(value) {
  link.bytes('j', chip ? chip.nanos : 0, Buffer.from(JSON.stringify(value)));
  link.send();
}

function command(c) {
  switch (c.do) {
    case 'boot': {
      if (!chip) {
        chip = new Chip({ seed: c.seed, wire: (made) => bench.connect(made), uart: bench.uart, uart1: bench.uart1 });
        chip.onReset = (why) => { bench.flush(); link.bytes('x', chip.nanos, Buffer.from(why)); };
        link.head = () => [chip.nanos, chip.cycles, chip.idleNanos, chip.handlerCycles];
      }
      const size = load(chip.mcu.flash, fs.readFileSync(c.image));
      chip.make('power on');
      return { size };
    }
    case 'write': chip.mcu.flash.set(Buffer.from(c.data, 'base64'), c.at); return {};
    case 'read': return { data: Buffer.from(chip.mcu.flash.subarray(c.at, c.at + c.n)).toString('base64') };
    case 'ram': return { data: Buffer.from(chip.mcu.sram.subarray(c.at - SRAM, c.at - SRAM + c.n)).toString('base64') };
    case 'power': chip.cutAt = Infinity; chip.cutIn = null; chip.make('power on'); return {};
    case 'cut in': chip.cutIn = { operations: c.operations, part: c.part }; return {};
    case 'cut': chip.cutAt = c.at === null ? Infinity : c.at; return {};
    case 'watch': chip.watch.add(c.name, c.at, c.span); return {};
    case 'profile': if (c.every) chip.profile.start(c.every); return { counts: chip.profile.report() };
    case 'metrics': return bench.metrics();
  }
  return { error: 'unknown command ' + c.do };
}

function run(data) {
  bench.take(data, 9);
  let why = '';
  try {
    chip.run(data.readDoubleLE(1));
  } catch (error) {
    why = `${error.stack}`;
  }
  bench.flush();
  why ||= chip.off ? 'power ' + chip.flash.cut : chip.fault;
  link.bytes('s', chip.nanos, Buffer.from(why));
  link.send();
}

for (let data = link.receive(); data; data = link.receive()) {
  if (data[0] === 0x52) run(data);
  else {
    let reply;
    try { reply = command(JSON.parse(data.subarray(1).toString())); } catch (error) { reply = { error: error.message }; }
    answer(reply);
  }
}
