import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Answer, CallsReport, Command, MemberOptions } from './protocol.ts';

/** Calls that are on their way. */
export interface Running {
  /** Resolves once the first calls of it have been made. */
  readonly started: Promise<void>;
  readonly report: Promise<CallsReport>;
}

/** One of the processes, seen from outside. */
export interface Member {
  open(options: MemberOptions): Promise<void>;
  call(calls: number, options?: { readonly concurrency?: number }): Running;
  invalidate(): Promise<void>;
  /** As if so much time had passed on its wall clock. */
  stepClock(byMs: number): Promise<void>;
  redisReady(): Promise<void>;
  /** Stands still, with its connections open, until it is resumed. */
  freeze(): void;
  resume(): void;
  /** Dies at once, without a word to anybody. */
  kill(): Promise<void>;
}

/** Processes that share one Redis. */
export interface Fleet {
  readonly members: readonly Member[];
  open(options: MemberOptions): Promise<void>;
  /** So many calls of each member; without a concurrency all at once. */
  call(callsEach: number, options?: { readonly concurrency?: number }): Running;
  redisReady(): Promise<void>;
  close(): Promise<void>;
}

/** Starts the processes; each is ready to be opened. */
export async function startFleet(size: number): Promise<Fleet> {
  const processes = await Promise.all(Array.from({ length: size }, MemberProcess.start));
  const members: readonly Member[] = processes;
  return {
    members,
    open: async (options) => {
      await Promise.all(members.map((member) => member.open(options)));
    },
    call: (callsEach, options) => together(members.map((member) => member.call(callsEach, options))),
    redisReady: async () => {
      await Promise.all(members.map((member) => member.redisReady()));
    },
    close: async () => {
      await Promise.all(processes.map((each) => each.end()));
    },
  };
}

export function together(all: readonly Running[]): Running {
  return {
    started: Promise.all(all.map(({ started }) => started)).then(() => {}),
    report: Promise.all(all.map(({ report }) => report)).then(sum),
  };
}

function sum(reports: readonly CallsReport[]): CallsReport {
  return {
    fulfilled: reports.reduce((total, { fulfilled }) => total + fulfilled, 0),
    failures: merged(reports.map(({ failures }) => failures)),
    events: merged(reports.map(({ events }) => events)),
  };
}

function merged(all: readonly Readonly<Record<string, number>>[]): Readonly<Record<string, number>> {
  const total: Record<string, number> = {};
  for (const each of all) {
    for (const [name, count] of Object.entries(each)) total[name] = (total[name] ?? 0) + count;
  }
  return total;
}

interface Pending {
  readonly started: () => void;
  readonly done: (report: CallsReport | undefined) => void;
  readonly broken: (error: Error) => void;
}

const children = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of children) child.kill('SIGKILL');
});

class MemberProcess implements Member {
  readonly #child: ChildProcess;
  readonly #pending = new Map<number, Pending>();
  #lastId = 0;

  static async start(this: void): Promise<MemberProcess> {
    const script = fileURLToPath(new URL('./member.ts', import.meta.url));
    const child = fork(script, { execArgv: ['--import', 'tsx'] });
    children.add(child);
    await once(child, 'message');
    return new MemberProcess(child);
  }

  constructor(child: ChildProcess) {
    this.#child = child;
    child.on('message', (answer) => this.#hear(answer as Answer));
    child.once('exit', () => {
      for (const { broken } of this.#pending.values()) broken(new Error('A member of the fleet has died.'));
    });
  }

  open(options: MemberOptions): Promise<void> {
    return this.#order({ type: 'open', options }).done.then(() => {});
  }

  call(calls: number, { concurrency = calls }: { readonly concurrency?: number } = {}): Running {
    const { started, done } = this.#order({ type: 'call', calls, concurrency });
    // A `call` is always answered with a report.
    return { started, report: done.then((report) => report as CallsReport) };
  }

  invalidate(): Promise<void> {
    return this.#order({ type: 'invalidate' }).done.then(() => {});
  }

  stepClock(byMs: number): Promise<void> {
    return this.#order({ type: 'step-clock', byMs }).done.then(() => {});
  }

  redisReady(): Promise<void> {
    return this.#order({ type: 'redis-ready' }).done.then(() => {});
  }

  freeze(): void {
    this.#child.kill('SIGSTOP');
  }

  resume(): void {
    this.#child.kill('SIGCONT');
  }

  async kill(): Promise<void> {
    const exit = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await exit;
  }

  async end(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exit = once(this.#child, 'exit');
    this.#child.disconnect();
    await exit;
  }

  #order(command: Command): { started: Promise<void>; done: Promise<CallsReport | undefined> } {
    const id = ++this.#lastId;
    let started = () => {};
    const hasStarted = new Promise<void>((resolve) => {
      started = resolve;
    });
    const done = new Promise<CallsReport | undefined>((resolve, reject) => {
      this.#pending.set(id, { started, done: resolve, broken: reject });
    });
    this.#child.send({ id, command });
    return { started: hasStarted, done };
  }

  #hear(answer: Answer): void {
    if (answer.type === 'ready') return;
    const pending = this.#pending.get(answer.id);
    if (answer.type === 'started') pending?.started();
    else {
      this.#pending.delete(answer.id);
      if (answer.type === 'done') pending?.done(answer.report);
      else pending?.broken(new Error(answer.message));
    }
  }
}
