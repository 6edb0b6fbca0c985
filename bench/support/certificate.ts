import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** A certificate of our own for `localhost`, of no use anywhere else. Children trust it by `NODE_EXTRA_CA_CERTS`. */
export const certificatePath: string = fileURLToPath(new URL('localhost.pem', import.meta.url));
export const cert: string = readFileSync(certificatePath, 'utf8');
export const key = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgzptLmlx1hoZjq8HQ
B/OEIUboZHa7iWvFRSMpaqM8LbWhRANCAARHaKOK5Zl/+u56xwiu0f2TdpKOzU6f
iFhsP9MVEJ/nAE7E73ZWhppn/6FMssFpH09kFb6EFpc5Coc4Igx6VYb+
-----END PRIVATE KEY-----
`;
