// Property tests use the same cases on every run, so that a failure is reproducible. SESS_SEED=1 gives other cases.
import { configureGlobal } from 'fast-check'

configureGlobal({ seed: Number(process.env['SESS_SEED'] ?? 20_261_124) })
