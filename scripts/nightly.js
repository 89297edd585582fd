/** Whether this run has the time for everything: `.ci/run --nightly` sets SESS_NIGHTLY. */
export const isNightly = process.env['SESS_NIGHTLY'] === '1'
