/** One of the things that are compared: its `run` is timed as a whole, many times. */
export interface Contestant {
  readonly name: string;
  run(): Promise<unknown>;
}

export interface Rounds {
  readonly rounds: number;
  readonly warmUpRounds: number;
  readonly random: () => number;
  /** What is measured: time that passes, unless told otherwise. */
  readonly now?: () => number;
}

/** How long each contestant took, round by round: the nth times of all belong together. */
export type Times = ReadonlyMap<string, readonly number[]>;

/** A ratio of times: the median over all rounds, and the quartiles around it. */
export interface Ratio {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

/**
 * Runs all contestants in each round, in an order that changes. What disturbs the machine for longer than a round
 * disturbs all of them alike, so that the ratios within a round hold where absolute times do not.
 */
export async function interleave(contestants: readonly Contestant[], options: Rounds): Promise<Times> {
  const { now = () => performance.now() } = options;
  const times = new Map<string, number[]>(contestants.map(({ name }) => [name, []]));
  for (let round = -options.warmUpRounds; round < options.rounds; round++) {
    for (const { name, run } of shuffled(contestants, options.random)) {
      const startedAt = now();
      await run();
      const elapsed = now() - startedAt;
      if (round >= 0) times.get(name)?.push(elapsed);
    }
  }
  return times;
}

/** The median of the ratios within each round, not the ratio of two medians. */
export function pairedRatio(times: Times, name: string, to: string): Ratio {
  const limits = timesOf(times, to);
  return spread(timesOf(times, name).map((elapsed, round) => elapsed / (limits[round] ?? Number.NaN)));
}

export function timesOf(times: Times, name: string): readonly number[] {
  const found = times.get(name);
  if (found === undefined) throw new Error(`"${name}" took no part.`);
  return found;
}

export function spread(values: readonly number[]): Ratio {
  return { median: quantile(values, 0.5), low: quantile(values, 0.25), high: quantile(values, 0.75) };
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const position = (sorted.length - 1) * share;
  const below = sorted[Math.floor(position)] ?? Number.NaN;
  const above = sorted[Math.ceil(position)] ?? Number.NaN;
  return below + (above - below) * (position - Math.floor(position));
}

/** Fisher and Yates. */
function shuffled<T>(items: readonly T[], random: () => number): readonly T[] {
  const result = [...items];
  for (let i = result.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [result[i], result[j]] = [result[j] as T, result[i] as T];
  }
  return result;
}
