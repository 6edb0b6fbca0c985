/** The same for CommonJS. */
require('axios');

const startedAt = performance.now();
require('axios-payu-auth');
console.log(JSON.stringify({ milliseconds: performance.now() - startedAt }));
