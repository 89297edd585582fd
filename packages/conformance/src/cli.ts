#!/usr/bin/env node
import { main } from './command-line/command.js'

process.exitCode = await main(process.argv.slice(2), { out: process.stdout, err: process.stderr })
// A leaking store would keep the process alive. The delay leaves time to write the report.
setTimeout(() => process.exit(), 1000).unref()
