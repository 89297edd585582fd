export default defineEventHandler((event) => `Hello, ${event.context.session?.user}.`)
