'use strict';
// A client that lives on: one query for each line of its input. `main.js ADDRESS PORT CA ROLE TOKEN_FILE RECIPE`.

const fs = require('node:fs');
const readline = require('node:readline');
const cassandra = require('cassandra-driver');

const [address, port, authority, role, path, recipe] = process.argv.slice(2);
const { TokenFile } = require(recipe);

const client = new cassandra.Client({
  contactPoints: [address],
  protocolOptions: { port: Number(port) },
  localDataCenter: 'us-east-1',
  authProvider: new TokenFile(role, path),
  sslOptions: { ca: [fs.readFileSync(authority)], rejectUnauthorized: true },
  socketOptions: { connectTimeout: 20_000, readTimeout: 20_000 },
  policies: { reconnection: new cassandra.policies.reconnection.ConstantReconnectionPolicy(500) },
});

// Asks again for a while: the connection may have ended, and a new one be on its way.
async function answer() {
  const deadline = Date.now() + 60_000;
  for (;;) {
    try {
      return (await client.execute('SELECT key FROM system.local')).rows[0].key;
    } catch (error) {
      if (Date.now() > deadline) {
        return String(error);
      }
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  }
}

async function main() {
  await client.connect();
  for await (const _ of readline.createInterface({ input: process.stdin })) {
    console.log(await answer());
  }
  await client.shutdown();
}

main();
