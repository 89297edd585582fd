#!/usr/bin/env node
import { main } from './command.js'

process.exitCode = main(process.argv.slice(2), { out: process.stdout, err: process.stderr })
