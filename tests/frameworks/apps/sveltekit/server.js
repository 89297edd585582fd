// adapter-node takes every request for https, unless a header says otherwise. Here nothing in front speaks TLS.
import { createServer } from 'node:http'
import { handler } from './build/handler.js'

createServer((req, res) => {
  req.headers['x-scheme'] = 'http'
  handler(req, res)
}).listen(process.env.PORT, '127.0.0.1')
