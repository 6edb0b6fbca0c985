import type { Fault } from '../../../src/sandbox/index.ts';

export interface LostAnswer {
  readonly fault: Fault;
  readonly effect: 'before' | 'none';
  /** The client has to run out of time. */
  readonly hangs?: true;
}

const STATUSES = [400, 403, 408, 409, 425, 500, 502, 503, 504] as const;

/** Each way in which the sandbox loses the answer to a request; its effect came before, or never. */
export const LOST: readonly LostAnswer[] = [
  { fault: { kind: 'reset-before-read' }, effect: 'none' },
  { fault: { kind: 'reset-after-read' }, effect: 'before' },
  { fault: { kind: 'reset-in-body' }, effect: 'before' },
  { fault: { kind: 'truncated-json' }, effect: 'before' },
  { fault: { kind: 'hang' }, effect: 'none', hangs: true },
  { fault: { kind: 'hang', processed: true }, effect: 'before', hangs: true },
  { fault: { kind: 'hang-in-body' }, effect: 'before', hangs: true },
  { fault: { kind: 'latency', ms: 2 ** 31 - 1 }, effect: 'before', hangs: true },
  ...([false, true] as const).flatMap((processed): readonly LostAnswer[] => {
    const effect = processed ? 'before' : 'none';
    return [
      ...STATUSES.map((status): LostAnswer => ({ fault: { kind: 'status', status, processed }, effect })),
      { fault: { kind: 'status', status: 403, body: 'html', processed }, effect },
      { fault: { kind: 'status', status: 502, body: 'none', processed }, effect },
      { fault: { kind: 'html-200', processed }, effect },
      { fault: { kind: 'empty-200', processed }, effect },
      { fault: { kind: 'garbage', processed }, effect },
      { fault: { kind: 'redirect', location: '/elsewhere', status: 307, processed }, effect },
    ];
  }),
  { fault: { kind: 'oauth-error', error: 'server_error', status: 500 }, effect: 'none' },
];

export const titleOf = ({ fault, effect }: LostAnswer): string =>
  `${JSON.stringify(fault)}, effect ${effect}`;
