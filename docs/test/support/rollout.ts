import { setTimeout as sleep } from 'node:timers/promises'
import type { Installation } from '../../../packages/core/test/support/installation.ts'
import { type Balancer, startBalancer } from '../../../scripts/servers/balancer.js'
import { comesTrue } from '../../../tests/support/condition.ts'
import { PageProgram } from './page-program.ts'

/** What the pods of one release have. */
export type Environment = Readonly<Record<string, string | undefined>>

/** The values of a Deployment that a rollout heeds. */
export interface Strategy {
  readonly replicas: number
  /** The path of the readiness probe. */
  readonly readyPath: string
  /** How long a pod that is to end goes on before SIGTERM, in milliseconds. */
  readonly preStopMs: number
}

/**
 * Does with processes of a program what Kubernetes does with the pods of a Deployment that has `maxUnavailable: 0` and
 * `maxSurge: 1`, and has a real nginx in the place of the Service.
 */
export class Rollout {
  readonly #at: Installation
  readonly #module: string
  readonly #strategy: Strategy
  readonly #balancer: Balancer
  #pods: readonly PageProgram[]
  /** How each pod ended that was told to. */
  readonly exitCodes: (number | null)[] = []

  private constructor(
    at: Installation,
    module: string,
    strategy: Strategy,
    balancer: Balancer,
    pods: readonly PageProgram[],
  ) {
    this.#at = at
    this.#module = module
    this.#strategy = strategy
    this.#balancer = balancer
    this.#pods = pods
  }

  /** The first release. */
  static async start(at: Installation, module: string, strategy: Strategy, env: Environment): Promise<Rollout> {
    const starting = Array.from({ length: strategy.replicas }, () => PageProgram.start(at, module, env))
    const pods = await Promise.all(starting)
    return new Rollout(at, module, strategy, await startBalancer(pods.map(({ port }) => port)), pods)
  }

  get origin(): string {
    return this.#balancer.origin
  }

  get pods(): readonly PageProgram[] {
    return this.#pods
  }

  /** Replaces the pods, one after the other. */
  async deploy(env: Environment): Promise<void> {
    for (const old of this.#pods) {
      await this.add(env)
      await this.remove(old)
    }
  }

  /** Starts a pod, and sends requests to it once it is ready. */
  async add(env: Environment): Promise<void> {
    const pod = await PageProgram.start(this.#at, this.#module, env)
    this.#pods = [...this.#pods, pod]
    if (!(await comesTrue(() => this.isReady(pod)))) throw new Error('A new pod did not become ready.')
    await this.#route()
  }

  /** The pod leaves the Service while its hook `preStop` runs. */
  async remove(pod: PageProgram): Promise<void> {
    this.#pods = this.#pods.filter((each) => each !== pod)
    await Promise.all([this.#route(), sleep(this.#strategy.preStopMs)])
    this.exitCodes.push(await pod.terminate())
  }

  async isReady({ origin }: PageProgram): Promise<boolean> {
    return (await fetch(`${origin}${this.#strategy.readyPath}`)).ok
  }

  async stop(): Promise<void> {
    await Promise.all([this.#balancer.stop(), ...this.#pods.map((pod) => pod.stop())])
  }

  #route(): Promise<void> {
    return this.#balancer.route(this.#pods.map(({ port }) => port))
  }
}
