import { setImmediate as nextTurn } from 'node:timers';

// Remembered when this module is loaded, so that fake timers which come later do not touch it.
const realSetImmediate: typeof nextTurn = nextTurn;

/**
 * Turns of the event loop from nock's last word to the code that awaits axios. No input or output is
 * involved, only streams and promises: every axios version and adapter tried needs none at all. The rest is
 * reserve for what the caller awaits afterwards; idle turns cost next to nothing.
 */
const turnsOfAnAnswer = 20;

/** Lets answers that nock has given reach the client. Uses no clock. */
export async function letAnswersArrive(): Promise<void> {
  for (let turn = 0; turn < turnsOfAnAnswer; turn++) {
    await new Promise<void>((resolve) => realSetImmediate(resolve));
  }
}
