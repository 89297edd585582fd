#!/usr/bin/env node
import { main } from './command-line/command.js'

process.exitCode = await main(process.argv.slice(2), { out: process.stdout, err: process.stderr })
// A store that leaks would keep the process alive. The report is given time to be written.
setTimeout(() => process.exit(), 1000).unref()
