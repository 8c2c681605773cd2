// rp2040js from the folder that the installer made (build/emu, MICROV2G_EMU), not from beside this file: nothing is installed
// into the source tree.
import { createRequire } from 'node:module';
import path from 'node:path';

const folder = path.resolve(process.env.MICROV2G_EMU || '.');
const require = createRequire(path.join(folder, 'here.cjs'));
export const { RP2040, GPIOPin, ConsoleLogger, LogLevel } = require('rp2040js');
