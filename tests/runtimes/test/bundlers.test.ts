import { describe, expect, it } from 'vitest'
import { Project, SECRET, toolPath } from './support/project.ts'

const HOW = {
  'passed in': `import memory from '@sess/adapter-memory'; const sess = sessions(memory, { secret: '${SECRET}' })`,
  'by name': `const sess = sessions('memory', { secret: '${SECRET}' })`,
}

/** Writes a file of the name to the folder `out`, from `main.js`. Each is a program for Node. */
const BUNDLERS: Readonly<Record<string, { readonly tool: string; readonly file: string; readonly program: string }>> = {
  'esbuild to CommonJS': esbuild('cjs'),
  'esbuild to ES modules': esbuild('mjs'),
  'Vite, for a server': {
    tool: 'vite',
    file: 'main.js',
    program: `const { build } = await tool('vite/dist/node/index.js')
      await build({ logLevel: 'error', ssr: { noExternal: true }, build: { ssr: 'main.js', outDir: 'out' } })`,
  },
  webpack: {
    tool: 'webpack',
    file: 'main.cjs',
    program: `const { default: webpack } = await tool('webpack/lib/index.js')
      const output = { path: process.cwd() + '/out', filename: 'main.cjs' }
      const stats = await new Promise((resolve, reject) =>
        webpack({ mode: 'production', target: 'node', entry: './main.js', output }, (error, made) =>
          error ? reject(error) : resolve(made)))
      if (stats.hasErrors() || stats.hasWarnings()) throw new Error(stats.toString())`,
  },
  Rollup: {
    tool: 'rollup',
    file: 'main.mjs',
    program: `const { rollup } = await tool('rollup/dist/es/rollup.js')
      const { nodeResolve } = await tool('@rollup/plugin-node-resolve/dist/es/index.js')
      const plugins = [nodeResolve({ exportConditions: ['node'] })]
      const onwarn = ({ message }) => { throw new Error(message) }
      const built = await rollup({ input: 'main.js', plugins, onwarn })
      await built.write({ file: 'out/main.mjs', format: 'es' })`,
  },
}

function esbuild(extension: 'cjs' | 'mjs') {
  const format = extension === 'cjs' ? 'cjs' : 'esm'
  const program = `const { default: esbuild } = await tool('esbuild/lib/main.js')
    const options = { bundle: true, platform: 'node', format: '${format}', logLevel: 'silent' }
    const { warnings } = await esbuild.build({ entryPoints: ['main.js'], outfile: 'out/main.${extension}', ...options })
    if (warnings.length > 0) throw new Error(JSON.stringify(warnings))`
  return { tool: 'esbuild', file: `main.${extension}`, program }
}

/** Bundles an application, and runs the bundle where no package is installed. */
async function run(name: string, store: string) {
  const { tool, file, program } = BUNDLERS[name] ?? { tool: '', file: '', program: '' }
  const project = Project.withPackages().write({
    'package.json': JSON.stringify({ type: 'module', sideEffects: false }),
    'main.js': `import { sessions } from '@sess/core'
      ${store}
      const exchange = sess.exchange(null)
      exchange.open().then(async (session) => {
        session.user = 'ada'
        const headers = await exchange.commit(200)
        console.log({ ...session }.user, headers.length)
      })`,
    'build.js': `const tool = (path) => import(${JSON.stringify(toolPath(tool))} + '/' + path)
      ${program}`,
  })
  const built = await project.node('build.js')
  expect(built).toMatchObject({ code: 0, stderr: '' })
  const bundle = project.takeAway('out').write({ 'package.json': JSON.stringify({ type: 'module' }) })
  return bundle.node(file)
}

describe.each(Object.keys(BUNDLERS))('a bundle of %s', (name) => {
  it('has the store that is passed in', async () => {
    expect(await run(name, HOW['passed in'])).toEqual({ code: 0, stdout: 'ada 3\n', stderr: '' })
  })

  it('that names a store says to pass it in', async () => {
    const { code, stderr } = await run(name, HOW['by name'])
    expect(code).toBe(1)
    expect(stderr).toContain('ADAPTER_NOT_FOUND')
    const [message] = /No adapter 'memory': looked for .+/.exec(stderr) ?? []
    expect(message).toContain(
      "pass the adapter instead of its name. import memory from '@sess/adapter-memory'; sessions(memory, …)",
    )
    expect(message).not.toContain('npm install')
  })
})
