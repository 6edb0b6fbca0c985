/** The package's own sandbox, in a process of its own. It is controlled over HTTP. */
import { startSandbox } from 'axios-payu-auth/sandbox';

const { url, environment, clientId, clientSecret } = await startSandbox({ requestLogLimit: 0 });
process.send?.({ url, tokenUrl: environment.tokenUrl, clientId, clientSecret });
process.once('disconnect', () => process.exit());
