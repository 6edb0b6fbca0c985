// A user's test in Jest's own CommonJS mode, without a transform.
const axios = require('axios');
const { createPayuAuth, scopes } = require('axios-payu-auth');
const { fixtures, mockPayu } = require('axios-payu-auth/testing');

test('a refused token is renewed once', async () => {
  const kit = mockPayu({ environment: 'test' })
    .token()
    .unauthorized('get', '/merchant/getAccountDetail')
    .token()
    .api('get', '/merchant/getAccountDetail', fixtures.payouts.accountDetail);
  const auth = createPayuAuth({
    environment: 'test',
    grant: { type: 'client_credentials', clientId: 'id', clientSecret: 'a-secret' },
    scope: scopes.payouts.create,
  });
  const payouts = axios.create({ baseURL: 'https://uatoneapi.payu.in/payout' });
  auth.attach(payouts);
  try {
    const { data } = await payouts.get('/merchant/getAccountDetail');
    expect(data.status).toBe(0);
    kit.done();
  } finally {
    kit.restore();
    await auth.close();
  }
});
