import type { Grant } from '../../../src/token/endpoint/grants.ts';

/** How a member is set up. Everything is plain data: it goes over IPC. */
export interface MemberOptions {
  readonly environment: { readonly tokenUrl: string; readonly revokeUrl: string };
  readonly apiUrl: string;
  readonly grant: Grant;
  readonly scope: string;
  readonly redis: {
    readonly url: string;
    readonly prefix: string;
    readonly timeoutMs?: number;
    readonly outagePauseMs?: number;
    readonly leaseMs?: number;
  };
  /** Of each call. Default: the library's. */
  readonly maxWaitMs?: number;
  /** What the wall clock of the process is ahead of the machine's. Default 0. */
  readonly clockAheadMs?: number;
}

export type Command =
  /** Throws away what the member had, and begins anew, like a process that has just started. */
  | { readonly type: 'open'; readonly options: MemberOptions }
  /** Says `started` as soon as the first calls are on their way. */
  | { readonly type: 'call'; readonly calls: number; readonly concurrency: number }
  | { readonly type: 'invalidate' }
  /** Sets the wall clock of the process forward; timers and the steady clock know nothing of it. */
  | { readonly type: 'step-clock'; readonly byMs: number }
  /** Waits until the connection to Redis stands (again). */
  | { readonly type: 'redis-ready' };

/** What calls of one member came to. */
export interface CallsReport {
  readonly fulfilled: number;
  /** How many calls failed, by code and message. */
  readonly failures: Readonly<Record<string, number>>;
  /** Events of this member since the last report, by type. */
  readonly events: Readonly<Record<string, number>>;
}

/** From the parent. */
export interface Order {
  readonly id: number;
  readonly command: Command;
}

/** From the member. */
export type Answer =
  | { readonly type: 'ready' }
  | { readonly type: 'started'; readonly id: number }
  | { readonly type: 'done'; readonly id: number; readonly report?: CallsReport }
  | { readonly type: 'broken'; readonly id: number; readonly message: string };
