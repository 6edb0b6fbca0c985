/**
 * Budgets that are known to be missed, by the row's id, and why: with what was tried. A miss that is not listed fails the
 * bench.
 */
export const knownMisses: Readonly<Record<string, string>> = {
  'processor-time-http':
    'by 2 to 4 percent since it is measured over https with the defaults (2026-11-28: 1.049 and 1.055; 1.057 and 1.066 on a busy ' +
    'machine, with the static header again at 0.995 and 1.021). Over plain loopback it was met at 1.028 only because the library passes ' +
    'the look-up of a proxy by there. The work is that of the row without I/O, and a copy of the response',
  'processor-time-http-peers': 'for the same reason',
  'processor-time-fetch':
    'by up to 1 percent, about what a run can tell apart: the work of the row below, and redirects are taken from fetch ' +
    '(rule G1), which a header of the peers follows to wherever they lead. Measured over https since 2026-11-28: the plain ' +
    'loopback of before saved the library the look-up of a proxy',
  'processor-time-fetch-peers': 'for the same reason',
  'hot-path':
    'by 2 to 6 percent (1.098 and 1.102 in the last two runs). Of 5 µs of some 55 on a busy machine, 2.0 are what an attempt changes of the config and takes back ' +
    '(headers, redirect hook, redirect mode), 1.4 looking up the token by two clocks (rule T1), 0.8 the trace of the header ' +
    'for mocks (rule A8), 0.6 cleaning the response. Tried: no closures for a call, one list of changes, assignments one by ' +
    'one in its place, shared objects: within 0.8 µs of each other',
  'cold-burst-time':
    'by up to 5 percent where the machine is slow (2026-11-28: 1.154, of 1.082 to 1.245; in other runs 1.015, 1.023 and 1.027). ' +
    'Ten thousand calls that wait are more to collect than as many that do not. Run apart in turn with an earlier commit, ' +
    'both took 1.03 to 1.06 of the bare requests',
  'hot-path-peers': 'for the same reason, next to some of the peers',
  import:
    'by 1 to 3 ms, most on a busy machine: finding, reading and compiling 150 kB, async-mutex and p-retry. With both inside the ' +
    'ES modules, as they are inside the CommonJS build, it took 10.2 ms in place of 12.5; but then nothing would depend on them, ' +
    'and a project could no longer update them by itself',
  'processor-time-stream':
    'by 1 to 5 percent (1.042 and 1.077 on 2026-11-28, 1.070 the day after): "socket", "client" and "req" of the stream are hidden (rule G2): 4 µs in place by themselves, 2 µs ' +
    'now that each is taken off and put back, of which a run as a whole shows 1 µs. A listener for later errors takes 1 to ' +
    '2 µs. A stream that stands for the other one would cost more',
  loopback:
    'in one run of three (2026-11-28: 1.007, 0.959, 0.984), where the naive interceptor had 0.991, 0.984 and 1.005: about what ' +
    'a run can tell apart',
  'processor-time-stream-peers': 'for the same reason: the peers hide nothing',
  'many-tokens-time':
    'the look-up is constant-time, but no cache of the processor holds 100,000 tokens; half of the difference is ' +
    'what a bare Map of as many entries costs more than one of one',
  'many-tokens-failure':
    'by 1 percent in one run of three (2026-11-28: 1.14, 1.20, 1.26). Up to 100 of the tokens that are held are looked for in ' +
    'the message by name, where one is held just that one; the difference does not grow any further',
  'many-clients-memory':
    'an auth of its own for each client: its options, gate, store, events and the state of its token. It was 5.4 kB; ' +
    'listeners, locks, refusals and operations under way are made when needed by now, and nothing is put together by spreads, ' +
    'which gave each auth a hidden class of its own. Its methods, bound so that they may be ' +
    'taken off it, are 0.3 kB of it. Less would take parts that auths share',
};
