/** A wrong option: the message names it in quotes, then the rule it breaks, then what to do. */
export function invalidOption(message: string): TypeError {
  return Object.assign(new TypeError(message), { code: 'ERR_INVALID_OPTION' });
}
