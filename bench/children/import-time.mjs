/** How long the package takes to load in a process that has axios. Prints JSON. */
import 'axios';

const startedAt = performance.now();
await import('axios-payu-auth');
console.log(JSON.stringify({ milliseconds: performance.now() - startedAt }));
