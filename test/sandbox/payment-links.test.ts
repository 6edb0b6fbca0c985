import { describe, expect, it } from 'vitest';
import { call, mintedToken, sandboxFor } from './support.ts';

const all = 'create_payment_links update_payment_links read_payment_links';
const link = { invoiceNumber: 'INV1', subAmount: 2 };

describe('Payment Links', () => {
  it('creates, reads, lists, updates and shares', async () => {
    const sandbox = await sandboxFor();
    const token = await mintedToken(sandbox, all);
    const created = await call(sandbox, '/payment-links', { method: 'POST', token, json: link });
    expect(created.body).toMatchObject({
      status: 0,
      message: 'paymentLink generated',
      result: { subAmount: 2, invoiceNumber: 'INV1', active: true, paymentLink: expect.any(String) },
      errorCode: null,
      guid: null,
    });
    for (const method of ['PUT', 'PATCH']) {
      const json = { active: method === 'PATCH' };
      await call(sandbox, '/payment-links/INV1', { method, token, json });
      const { body } = await call(sandbox, '/payment-links/INV1', { token });
      expect(body.result.active).toBe(method === 'PATCH');
    }
    const list = await call(sandbox, '/payment-links/', { token });
    expect(list.body.result).toHaveLength(1);
    const shared = await call(sandbox, '/payment-links/INV1/share', { method: 'POST', token, json: {} });
    expect(shared.body.status).toBe(0);
    expect(sandbox.stats().paymentLinks).toBe(1);
  });

  it('a duplicate invoice number: a business failure at 200', async () => {
    const sandbox = await sandboxFor();
    const token = await mintedToken(sandbox, all);
    const options = { method: 'POST', token, json: link };
    await call(sandbox, '/payment-links/', options);
    const { status, body } = await call(sandbox, '/payment-links/', options);
    expect(status).toBe(200);
    expect(body).toEqual({
      status: -1,
      message: 'Invoice Number already exists. Please enter new invoice number.',
      result: null,
      errorCode: null,
      guid: null,
    });
    expect(sandbox.stats().paymentLinks).toBe(1);
  });

  it('an unknown invoice number, and a missing amount: business failures', async () => {
    const sandbox = await sandboxFor();
    const token = await mintedToken(sandbox, all);
    expect((await call(sandbox, '/payment-links/none', { token })).body).toEqual({
      status: -1,
      message: 'paymentLink not found',
      result: null,
      errorCode: null,
      guid: null,
    });
    const bad = await call(sandbox, '/payment-links', { method: 'POST', token, json: {} });
    expect([bad.status, bad.body.status]).toEqual([200, -1]);
  });

  it.each([
    ['GET', '/payment-links/', 'read_payment_links'],
    ['GET', '/payment-links/INV1', 'read_payment_links'],
    ['POST', '/payment-links/INV1/share', 'read_payment_links'],
    ['POST', '/payment-links', 'create_payment_links'],
    ['PUT', '/payment-links/INV1', 'update_payment_links'],
    ['PATCH', '/payment-links/INV1', 'update_payment_links'],
  ])('%s %s needs %s: 401 insufficient_scope without it', async (method, path, needed) => {
    const sandbox = await sandboxFor();
    const body = method === 'GET' ? {} : { json: link };
    for (const scope of all.split(' ')) {
      const token = await mintedToken(sandbox, scope);
      const reply = await call(sandbox, path, { method, token, ...body });
      const expected = scope === needed ? [200, undefined] : [401, 'insufficient_scope'];
      expect([reply.status, reply.body.error]).toEqual(expected);
    }
  });

  it('a bad token: 401 with the documented body', async () => {
    const sandbox = await sandboxFor();
    const { status, body } = await call(sandbox, '/payment-links/', { token: 'wrong' });
    expect(status).toBe(401);
    expect(body).toEqual({
      error: 'invalid_token',
      error_description: 'The access token is invalid or has expired.',
    });
  });

  it('another method, another depth: 404', async () => {
    const sandbox = await sandboxFor();
    const token = await mintedToken(sandbox, all);
    expect((await call(sandbox, '/payment-links/INV1', { method: 'DELETE', token })).status).toBe(404);
    expect((await call(sandbox, '/payment-links/INV1/else', { token })).status).toBe(404);
  });
});
