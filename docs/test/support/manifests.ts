import { type Document, parseAllDocuments } from 'yaml'
import { compile, workspace } from './workspace.ts'

/** The types of the package kubernetes-types: the module of each, by `apiVersion` and `kind`. */
const MODULES: Readonly<Record<string, string>> = {
  'apps/v1 Deployment': 'apps/v1',
  'apps/v1 StatefulSet': 'apps/v1',
  'policy/v1 PodDisruptionBudget': 'policy/v1',
  'v1 Secret': 'core/v1',
  'v1 Service': 'core/v1',
}

/** The objects in a file of YAML, read as Kubernetes does. Throws what the parser has against it. */
export function parseManifests(yaml: string): readonly Document[] {
  return parseAllDocuments(yaml, { version: '1.1' }).map((manifest) => {
    for (const problem of [...manifest.errors, ...manifest.warnings]) throw problem
    return manifest
  })
}

/**
 * Has the compiler compare manifests with the types of Kubernetes' API, for which a field that does not exist is an error
 * too. Resolves with its messages.
 */
export async function problemsOfManifests(manifests: readonly Document[]): Promise<readonly string[]> {
  const modules = manifests.map((manifest, index) => {
    const kind = String(manifest.get('kind'))
    const module = MODULES[`${String(manifest.get('apiVersion'))} ${kind}`]
    if (module === undefined) throw new Error(`This test does not know a ${kind}.`)
    const text = `import type { ${kind} } from 'kubernetes-types/${module}.js'
      export const manifest: ${kind} = ${JSON.stringify(manifest, null, 2)}`
    return [`manifest${index}.ts`, text] as const
  })
  const messages = await compile(workspace(), Object.fromEntries(modules))
  return messages.split('\n').filter((line) => line !== '')
}
