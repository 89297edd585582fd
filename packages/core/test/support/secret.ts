/** Named by their age: the newest secret comes first in a rotation. */
export const SECRET = 'a secret of the tests, of 32 bytes or more'
export const OLDER_SECRET = 'an older secret, which has as many bytes'
export const OTHER_SECRET = "another application's secret of as many bytes"
