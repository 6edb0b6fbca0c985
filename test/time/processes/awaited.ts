/** Waits for a token, or for an API, in each way that there is, and says so when it is over. */
import { type Client, clientFor, places } from './client.ts';

const account = ({ payouts }: Client) => payouts.get('/merchant/getAccountDetail');

for (const [scenario, place] of Object.entries(places())) {
  await account(clientFor(place));
  process.stdout.write(`${scenario}\n`);
}
