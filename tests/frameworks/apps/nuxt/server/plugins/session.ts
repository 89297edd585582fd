export default defineNitroPlugin(({ hooks }) => {
  hooks.hook('request', ({ context, node }) => {
    // Nitro copies what is in `_platform` to the context of the requests that a page makes while it is rendered.
    context.browser ??= node
    context._platform = { ...context._platform, browser: context.browser }
  })
  hooks.hook('error', (_error, { event }) => {
    if (event?.context.session !== undefined && !event.context.browser.res.headersSent)
      sess.discard(event.context.session)
  })
})
