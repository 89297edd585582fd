import { createRouter } from '@tanstack/react-router'
import { routeTree } from './routeTree.gen'

export function getRouter() {
  return createRouter({ routeTree, defaultErrorComponent: () => <p>Sorry, that did not work. Try again.</p> })
}
