/** What a step has used that other steps may use too, by name, and whether it has changed it. */
export type Footprint = ReadonlyMap<string, boolean>

/** Whether two steps do the same, and lead to the same state, in either order. */
export type AreIndependent = (one: Footprint, other: Footprint) => boolean

/** They use nothing in common that one of them changes. */
export function areApart(one: Footprint, other: Footprint): boolean {
  for (const [name, isChanged] of one) {
    const isChangedByOther = other.get(name)
    if (isChangedByOther !== undefined && (isChanged || isChangedByOther)) return false
  }
  return true
}

/** A step that may go next. */
export interface Step {
  /** Tells it from the other steps of a play. It is the same in all plays that have begun alike. */
  readonly number: number
  readonly label: string
}

/** Decides which step of a play goes next. */
export interface Director {
  /** Returns the index of the step that goes next. */
  readonly choose: (steps: readonly Step[]) => number
  /** Is told what the step has used. */
  readonly noted?: (used: Footprint) => void
  /** The play only differs from another one by the order of independent steps, so it needs not be looked at. */
  readonly isRepeated?: boolean
}

/** Directs one play after the other. */
interface Exploration extends Director {
  /** Ends a play. Returns whether there is another one. */
  readonly next: () => boolean
}

/** Plays each order of the steps once. */
export class EveryOrder implements Exploration {
  /** What was chosen in the play that is under way, or at the beginning of the next one, of how many steps. */
  readonly #choices: { index: number; readonly of: number }[] = []
  #passed = 0

  readonly choose = ({ length }: readonly Step[]): number => {
    const choice = this.#choices[this.#passed] ?? { index: 0, of: length }
    this.#choices[this.#passed++] = choice
    return choice.index
  }

  readonly next = (): boolean => {
    this.#passed = 0
    for (let last = this.#choices.at(-1); last !== undefined; last = this.#choices.at(-1)) {
      if (++last.index < last.of) return true
      this.#choices.pop()
    }
    return false
  }
}

const NOTHING: Footprint = new Map()

/** A point of a play, at which one of several steps goes next. */
interface Point {
  readonly steps: readonly Step[]
  /** The numbers of the steps that have to go next in some play. */
  readonly wanted: Set<number>
  /**
   * The steps that have gone next in other plays, and what they used: from here, or from an earlier point if nothing that
   * has gone next since depends on them. What begins with one of them is played there.
   */
  readonly asleep: Map<number, Footprint>
  /** The step that goes next in this play. */
  taken: Step
  used: Footprint
  /** The earlier points of this play whose steps this one depends on, directly or not: one bit for each. */
  after: bigint
}

/**
 * Plays one order of each group of orders that differ only in how independent steps are arranged.
 *
 * Another step goes next only where that turns two steps around that are not independent: source sets, of Abdulla,
 * Aronsson, Jonsson and Sagonas, "Optimal Dynamic Partial Order Reduction", 2014. Where that still comes to a play that only
 * differs by independent steps from one before, it is given up: sleep sets, of Godefroid, "Partial-Order Methods for the
 * Verification of Concurrent Systems", 1996.
 */
export class DifferentOrders implements Exploration {
  readonly #areIndependent: AreIndependent
  /** The play that is under way, as far as it has come, or the beginning of the next one. */
  readonly #points: Point[] = []
  /** How many of the points the play has passed. */
  #passed = 0
  /** How many of them the play before has passed too. */
  #shared = 0
  #isRepeated = false

  constructor(areIndependent: AreIndependent) {
    this.#areIndependent = areIndependent
  }

  get isRepeated(): boolean {
    return this.#isRepeated
  }

  readonly choose = (steps: readonly Step[]): number => {
    if (this.#isRepeated) return 0
    const point = this.#points[this.#passed] ?? this.#begin(steps)
    if (point === undefined) {
      this.#isRepeated = true
      return 0
    }
    this.#passed++
    const { taken } = point
    const index = steps.findIndex(({ number }) => number === taken.number)
    if (steps[index]?.label !== taken.label) throw new Error(`A play that began alike has come to no '${taken.label}'.`)
    return index
  }

  readonly noted = (used: Footprint): void => {
    const point = this.#points[this.#passed - 1]
    if (point !== undefined && !this.#isRepeated) point.used = used
  }

  readonly next = (): boolean => {
    for (const [at, point] of this.#points.entries()) if (at >= this.#shared) this.#findRaces(at, point)
    this.#passed = 0
    this.#isRepeated = false
    for (let point = this.#points.at(-1); point !== undefined; point = this.#points.at(-1)) {
      const { steps, wanted, asleep } = point
      asleep.set(point.taken.number, point.used)
      const taken = steps.find(({ number }) => wanted.has(number) && !asleep.has(number))
      if (taken !== undefined) {
        point.taken = taken
        this.#shared = this.#points.length - 1
        return true
      }
      this.#points.pop()
    }
    return false
  }

  /** `undefined`: all steps are asleep. */
  #begin(steps: readonly Step[]): Point | undefined {
    const before = this.#points.at(-1)
    const asleep = new Map(
      [...(before?.asleep ?? [])].filter(([, used]) => before && this.#areIndependent(used, before.used)),
    )
    const taken = steps.find(({ number }) => !asleep.has(number))
    if (taken === undefined) return undefined
    const point = { steps: [...steps], wanted: new Set([taken.number]), asleep, taken, used: NOTHING, after: 0n }
    this.#points.push(point)
    return point
  }

  /** Finds what the step at a point depends on, and wants the plays in which it comes before that. */
  #findRaces(at: number, point: Point): void {
    point.after = 0n
    for (let earlier = at - 1; earlier >= 0; earlier--) {
      const other = this.#points[earlier]
      if (other === undefined || isIn(point.after, earlier)) continue
      const isMadeThere = !isAt(other, point.taken) && isAt(this.#points[earlier + 1], point.taken)
      if (!isMadeThere && this.#areIndependent(other.used, point.used)) continue
      point.after |= other.after | bit(earlier)
      if (!isMadeThere) this.#wantReversed(other, earlier, at)
    }
  }

  /** Wants a play in which the step at a point comes before the one at an earlier point. */
  #wantReversed(point: Point, earlier: number, at: number): void {
    const firsts: Step[] = []
    let before = 0n
    for (let between = earlier + 1; between <= at; between++) {
      const { after = 0n, taken } = this.#points[between] ?? {}
      if (taken === undefined || (between < at && isIn(after, earlier))) continue
      if ((after & before) === 0n) firsts.push(taken)
      before |= bit(between)
    }
    const [first] = firsts
    if (first === undefined || !isAt(point, first)) throw new Error('A step depends on nothing that comes before it.')
    if (!firsts.some(({ number }) => point.wanted.has(number))) point.wanted.add(first.number)
  }
}

function isAt(point: Point | undefined, { number }: Step): boolean {
  return point?.steps.some((step) => step.number === number) === true
}

const bit = (at: number): bigint => 1n << BigInt(at)

const isIn = (set: bigint, at: number): boolean => (set & bit(at)) !== 0n
