import { seededRandom } from '../support/random.ts';
import { CALLS_PER_SECOND, ModelledProcess, type Tally } from './modelled-process.ts';
import { PayuModel } from './payu-model.ts';
import { type Figures, type Scenario, STARTS_WITHIN_MS } from './scenarios.ts';
import { SharedStore } from './shared-store.ts';
import { SimulatedClock } from './simulated-clock.ts';

const HOUR_MS = 3_600_000;
const STARTS_AT = Date.UTC(2100, 0, 1);

/** Plays one scenario from its first start to its last hour. */
export async function runScenario(scenario: Scenario): Promise<Figures> {
  const { hours, processes: size, isShared, minting } = scenario;
  const clock = new SimulatedClock(STARTS_AT);
  const tally: Tally = {
    calls: 0,
    carriedOut: 0,
    waited: 0,
    longestWaitMs: 0,
    replayed: 0,
    failed: 0,
    lastFailedAtMs: 0,
  };
  const processes: ModelledProcess[] = [];
  const payu = new PayuModel(clock, {
    minting,
    hours,
    outages: scenario.payuOutages ?? [],
    onRevoked: (value) => {
      for (const each of processes) each.hearOfRevocation(value);
    },
  });
  const store = isShared ? new SharedStore(clock, scenario.storeOutages ?? [], seededRandom(0)) : undefined;
  for (const atMs of scenario.revocations ?? []) clock.timer(atMs, () => payu.revokeAll(), 'ref');
  const random = seededRandom(1);
  const wrongness = seededRandom(3);
  for (let index = 0; index < size; index++) {
    const clockAheadMs = Math.round((2 * wrongness() - 1) * (scenario.clocksWrongByMs ?? 0));
    const around = {
      clock,
      startsAt: STARTS_AT,
      clockAheadMs,
      payu,
      store: store?.seenBy(clockAheadMs),
      tally,
      renewAheadMs: scenario.renewAheadMs ?? 60_000,
    };
    const process = new ModelledProcess(around, index + 2);
    const startsIn = Math.round(random() * STARTS_WITHIN_MS);
    process.start(startsIn);
    tally.calls += ((hours * HOUR_MS - startsIn) * CALLS_PER_SECOND) / 1_000;
    processes.push(process);
  }
  await clock.run(STARTS_AT + hours * HOUR_MS);
  for (const each of processes) await each.close();
  const { tokenRequests, busiestSecond } = payu;
  const total = tokenRequests.reduce((sum, count) => sum + count, 0);
  return { ...tally, tokenRequests, busiestSecond, total };
}
