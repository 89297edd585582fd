import {
  type DynamicModule,
  type FactoryProvider,
  Inject,
  Module,
  type ModuleMetadata,
  type OnApplicationShutdown,
  type ValueProvider,
} from '@nestjs/common'
import { APP_FILTER } from '@nestjs/core'
import type { Sessions, Storable } from '@sess/core'
import { assertSessions } from '@sess/core/adapter'
import { SessErrorFilter } from './error-filter.js'
import { SESS } from './provided.js'

/** How `forRootAsync` makes the sessions. */
export interface SessAsyncOptions<Args extends unknown[], D extends Storable<D>> extends Pick<
  ModuleMetadata,
  'imports'
> {
  /** The tokens of what the factory takes, in order, such as `[ConfigService]`. */
  readonly inject?: NonNullable<FactoryProvider['inject']>
  /** Returns what `sessions(…)` returns. They close with the application. */
  readonly useFactory: (...args: Args) => Sessions<D> | Promise<Sessions<D>>
}

/** Whether the module made the sessions, and so closes them. */
const OWNS = Symbol('@sess/nest.owns')

/**
 * Gives the whole application its sessions, and answers their errors by `SessErrorFilter`. Import it once, in the root
 * module, by `forRoot` or `forRootAsync`.
 */
export class SessModule implements OnApplicationShutdown {
  readonly #sess: Sessions<object>
  readonly #owns: boolean

  constructor(sess: Sessions<object>, owns: boolean) {
    this.#sess = sess
    this.#owns = owns
  }

  /**
   * The sessions of the application: a function that makes them, `() => sessions('redis', { secret, url })`, which is called
   * for each application, and they close with it; or sessions that you made, and that you close. Throws `INVALID_OPTION`
   * for anything else.
   */
  static forRoot<D extends Storable<D>>(sess: Sessions<D> | (() => Sessions<D>)): DynamicModule {
    if (typeof sess === 'function') return dynamicModule({ useFactory: () => checked(sess()) }, true)
    return dynamicModule({ useValue: checked(sess) }, false)
  }

  /**
   * Sessions whose options are injected. The application does not start if the factory returns anything other than
   * sessions (`INVALID_OPTION`).
   */
  static forRootAsync<Args extends unknown[], D extends Storable<D>>({
    imports = [],
    inject = [],
    useFactory,
  }: SessAsyncOptions<Args, D>): DynamicModule {
    const make = async (...args: Args): Promise<Sessions<D>> => checked(await useFactory(...args))
    return { ...dynamicModule({ inject, useFactory: make }, true), imports }
  }

  /** Nest calls it when the server has closed, so after the requests under way. */
  async onApplicationShutdown(): Promise<void> {
    if (this.#owns) await this.#sess.close()
  }
}
Module({})(SessModule)
Inject(SESS)(SessModule, undefined, 0)
Inject(OWNS)(SessModule, undefined, 1)

type Source = Pick<FactoryProvider, 'useFactory' | 'inject'> | Pick<ValueProvider, 'useValue'>

function dynamicModule(source: Source, owns: boolean): DynamicModule {
  return {
    module: SessModule,
    global: true,
    providers: [
      { provide: SESS, ...source },
      { provide: OWNS, useValue: owns },
      { provide: APP_FILTER, useClass: SessErrorFilter },
    ],
    exports: [SESS],
  }
}

function checked<D extends Storable<D>>(given: Sessions<D>): Sessions<D> {
  assertSessions(given, 'What SessModule was given', "SessModule.forRoot(() => sessions('redis', { secret, url }))")
  return given
}
