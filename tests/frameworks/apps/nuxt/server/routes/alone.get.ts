/** The global `$fetch` knows nothing of the browser's request. */
export default defineEventHandler(async () => {
  const { user } = await $fetch('/api/visitor')
  const visit = await $fetch.raw('/visit', { method: 'POST', ignoreResponseError: true })
  return `${user}, ${visit.status}`
})
