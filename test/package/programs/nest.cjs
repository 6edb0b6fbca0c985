// A Nest application whose HttpService is attached.
require('reflect-metadata');
const assert = require('node:assert/strict');
const { HttpModule, HttpService } = require('@nestjs/axios');
const { Module } = require('@nestjs/common');
const { NestFactory } = require('@nestjs/core');
const { firstValueFrom } = require('rxjs');
const { createPayuAuth, scopes } = require('axios-payu-auth');
const { startSandbox } = require('axios-payu-auth/sandbox');

async function main() {
  const sandbox = await startSandbox();
  const { clientId, clientSecret, environment } = sandbox;
  class AppModule {}
  Module({ imports: [HttpModule.register({ baseURL: `${sandbox.url}/payout` })] })(AppModule);
  const app = await NestFactory.createApplicationContext(AppModule, { logger: false });
  const http = app.get(HttpService);
  const grant = { type: 'client_credentials', clientId, clientSecret };
  const auth = createPayuAuth({ environment, grant, scope: scopes.payouts.create });
  auth.attach(http.axiosRef);
  const calls = Array.from({ length: 5 }, () => firstValueFrom(http.get('/merchant/getAccountDetail')));
  for (const { status } of await Promise.all(calls)) assert.equal(status, 200);
  assert.equal(sandbox.stats().tokenRequests, 1);
  await auth.close();
  await app.close();
  await sandbox.close();
  process.stdout.write('well\n');
}

main();
