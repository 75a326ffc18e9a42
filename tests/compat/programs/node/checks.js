'use strict';
// The checks of tests/compat/checks.py with the Node driver: `node checks.js ADDRESS KEYSPACE [NAME ...]`.

const assert = require('node:assert');
const cassandra = require('cassandra-driver');

const [address, keyspace, ...only] = process.argv.slice(2);
const { consistencies, protocolVersion, responseErrorCodes } = cassandra.types;
const REPLICATION = "{'class': 'SimpleStrategy', 'replication_factor': 1}";
const PATIENCE = 60_000;
const checks = new Map();

class Skipped extends Error {}

async function connected(options, use) {
  const client = new cassandra.Client({
    contactPoints: [address],
    localDataCenter: 'us-east-1',
    socketOptions: { connectTimeout: PATIENCE, readTimeout: PATIENCE },
    policies: { retry: new cassandra.policies.retry.FallthroughRetryPolicy() },
    ...options,
  });
  try {
    await client.connect();
    return await use(client);
  } finally {
    await client.shutdown();
  }
}

async function waitFor(condition, what) {
  const deadline = Date.now() + PATIENCE;
  while (!(await condition())) {
    assert(Date.now() < deadline, `waited ${PATIENCE} ms for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function table(client, name, columns = 'id int PRIMARY KEY, v text') {
  await client.execute(`CREATE TABLE ${keyspace}.${name} (${columns})`);
  return `${keyspace}.${name}`;
}

async function one(client, query, values, options) {
  const { rows } = await client.execute(query, values, options);
  assert.strictEqual(rows.length, 1);
  return rows[0];
}

const prepare = true;

// Connecting.

checks.set('connects without being told a version', () =>
  connected({}, async (client) => {
    assert.strictEqual((await one(client, 'SELECT key FROM system.local')).key, 'local');
  }));

function runsOn(version) {
  return connected({ protocolOptions: { maxVersion: version } }, async (client) => {
    assert.strictEqual(client.controlConnection.protocolVersion, version);
    const name = await table(client, `on_v${version}`);
    await client.execute(`INSERT INTO ${name} (id, v) VALUES (?, ?)`, [1, 'a'], { prepare });
    assert.strictEqual((await one(client, `SELECT v FROM ${name} WHERE id = ?`, [1], { prepare })).v, 'a');
  });
}

checks.set('runs on protocol v3', () => runsOn(protocolVersion.v3));
checks.set('runs on protocol v4', () => runsOn(protocolVersion.v4));
checks.set('runs on protocol v5 or is told why not', () => {
  throw new Skipped('the driver steps down to v4 by itself');
});

checks.set('sees one node and its data centre', async (client) => {
  const [host] = client.hosts.values();
  assert.strictEqual(client.hosts.length, 1);
  assert.deepStrictEqual([host.address, host.datacenter, host.isUp()], [`${address}:9042`, 'us-east-1', true]);
  assert(host.tokens.length > 0);
});

checks.set('asks for lz4', () => {
  throw new Skipped('the driver has no compression');
});
checks.set('asks for snappy', () => {
  throw new Skipped('the driver has no compression');
});

// Schema.

checks.set('creates, alters and drops a keyspace', async (client) => {
  const name = `${keyspace}_more`;
  await client.execute(`CREATE KEYSPACE ${name} WITH replication = ${REPLICATION}`);
  await client.execute(`ALTER KEYSPACE ${name} WITH durable_writes = false`);
  await waitFor(() => client.metadata.keyspaces[name], 'the keyspace');
  await client.execute(`DROP KEYSPACE ${name}`);
  await waitFor(() => !client.metadata.keyspaces[name], 'the keyspace to go');
});

checks.set('creates, alters and drops a table', async (client) => {
  const name = await table(client, 'short_lived');
  await client.execute(`ALTER TABLE ${name} ADD more int`);
  const described = async () => client.metadata.getTable(keyspace, 'short_lived');
  await waitFor(async () => (await described())?.columnsByName.more, 'a column');
  await client.execute(`DROP TABLE ${name}`);
  await waitFor(async () => !(await described()), 'the table to go');
});

checks.set('creates and drops a type', async (client) => {
  await client.execute(`CREATE TYPE ${keyspace}.short_lived (a int)`);
  await waitFor(() => client.metadata.getUdt(keyspace, 'short_lived'), 'the type');
  await client.execute(`DROP TYPE ${keyspace}.short_lived`);
});

checks.set('reads schema metadata', async (client) => {
  await table(client, 'described', 'a int, b text, c int, d text static, PRIMARY KEY ((a, b), c)');
  await connected({}, async (fresh) => {
    const found = await fresh.metadata.getTable(keyspace, 'described');
    assert.deepStrictEqual(found.partitionKeys.map((column) => column.name), ['a', 'b']);
    assert.deepStrictEqual(found.clusteringKeys.map((column) => column.name), ['c']);
    assert(found.columnsByName.d.isStatic);
  });
});

checks.set('hears of schema changes', async (client) => {
  const name = `${keyspace}_elsewhere`;
  await connected({}, async (other) => {
    await other.execute(`CREATE KEYSPACE ${name} WITH replication = ${REPLICATION}`);
    await waitFor(() => client.metadata.keyspaces[name], 'the event');
    await other.execute(`DROP KEYSPACE ${name}`);
  });
});

checks.set('uses a keyspace', async (client) => {
  await table(client, 'unqualified');
  await connected({ keyspace }, async (inside) => {
    await inside.execute("INSERT INTO unqualified (id, v) VALUES (1, 'a')");
    await inside.execute('USE system');
    await inside.execute(`USE ${keyspace}`);
    assert.strictEqual((await one(inside, 'SELECT v FROM unqualified')).v, 'a');
  });
});

// Statements.

checks.set('selects with positional values', async (client) => {
  const name = await table(client, 'positional');
  await client.execute(`INSERT INTO ${name} (id, v) VALUES (?, ?)`, [1, "it's"], { hints: ['int', 'text'] });
  const row = await one(client, `SELECT v FROM ${name} WHERE id IN ?`, [[1, 2]], { hints: ['list<int>'] });
  assert.strictEqual(row.v, "it's");
});

checks.set('selects with named values', async (client) => {
  const name = await table(client, 'named');
  await client.execute(`INSERT INTO ${name} (id, v) VALUES (1, 'a')`);
  const row = await one(client, `SELECT v FROM ${name} WHERE id = :id`, { id: 1 }, { hints: { id: 'int' } });
  assert.strictEqual(row.v, 'a');
});

checks.set('prepares and executes', async (client) => {
  const name = await table(client, 'prepared');
  for (let number = 0; number < 10; number++) {
    await client.execute(`INSERT INTO ${name} (id, v) VALUES (?, ?)`, [number, `${number}`], { prepare });
  }
  assert.strictEqual((await one(client, `SELECT v FROM ${name} WHERE id = ?`, [7], { prepare })).v, '7');
});

checks.set('prepares with named markers', async (client) => {
  const name = await table(client, 'prepared_named');
  await client.execute(`INSERT INTO ${name} (id, v) VALUES (:id, :v)`, { v: 'a', id: 1 }, { prepare });
  assert.strictEqual((await one(client, `SELECT v FROM ${name} WHERE id = :id`, { id: 1 }, { prepare })).v, 'a');
});

checks.set('prepares again after its table changed', async (client) => {
  const name = await table(client, 'changing');
  await client.execute(`INSERT INTO ${name} (id, v) VALUES (1, 'a')`);
  const select = `SELECT * FROM ${name} WHERE id = ?`;
  assert.strictEqual((await one(client, select, [1], { prepare })).keys().length, 2);
  await client.execute(`ALTER TABLE ${name} ADD more int`);
  await one(client, select, [1], { prepare });
  await client.execute(`INSERT INTO ${name} (id, v, more) VALUES (1, 'a', 3)`);
  const again = await one(client, `SELECT id, v, more FROM ${name} WHERE id = ?`, [1], { prepare });
  assert.strictEqual(again.more, 3);
});

async function numbers(client, name, count) {
  const full = await table(client, name, 'p int, c int, v text, PRIMARY KEY (p, c)');
  const insert = `INSERT INTO ${full} (p, c, v) VALUES (0, ?, ?)`;
  const values = Array.from({ length: count }, (_, c) => [c, 'x'.repeat(100)]);
  await cassandra.concurrent.executeConcurrent(client, insert, values);
  return full;
}

checks.set('pages through a large result', async (client) => {
  const name = await numbers(client, 'paged', 2000);
  const seen = [];
  const result = await client.execute(`SELECT c FROM ${name} WHERE p = 0`, [], { prepare, fetchSize: 77 });
  for await (const row of result) {
    seen.push(row.c);
  }
  assert.deepStrictEqual(seen, Array.from({ length: 2000 }, (_, c) => c));
});

checks.set('resumes paging from a state', async (client) => {
  const name = await numbers(client, 'resumed', 100);
  const seen = [];
  let pageState;
  do {
    const options = { prepare, fetchSize: 30, pageState };
    const page = await client.execute(`SELECT c FROM ${name} WHERE p = ?`, [0], options);
    seen.push(...page.rows.map((row) => row.c));
    pageState = page.pageState;
  } while (pageState);
  assert.deepStrictEqual(seen, Array.from({ length: 100 }, (_, c) => c));
});

checks.set('runs 1,000 requests at once', async (client) => {
  const name = await table(client, 'crowded');
  const all = Array.from({ length: 1000 }, (_, number) => number);
  const insert = `INSERT INTO ${name} (id, v) VALUES (?, ?)`;
  await Promise.all(all.map((number) => client.execute(insert, [number, `${number}`], { prepare })));
  const select = `SELECT v FROM ${name} WHERE id = ?`;
  const rows = await Promise.all(all.map((number) => one(client, select, [number], { prepare })));
  assert.deepStrictEqual(rows.map((row) => row.v), all.map(String));
});

// Batches and conditions.

async function batched(client, name, options) {
  const full = await table(client, name);
  const queries = [
    { query: `INSERT INTO ${full} (id, v) VALUES (1, 'a')` },
    { query: `INSERT INTO ${full} (id, v) VALUES (?, ?)`, params: [2, 'b'] },
  ];
  await client.batch(queries, { hints: [[], ['int', 'text']], ...options });
  assert.strictEqual((await client.execute(`SELECT id FROM ${full}`)).rows.length, 2);
}

checks.set('writes a logged batch', (client) => batched(client, 'batch_logged', { logged: true }));
checks.set('writes an unlogged batch', (client) => batched(client, 'batch_unlogged', { logged: false }));

checks.set('writes a counter batch', async (client) => {
  const name = await table(client, 'counter_batch', 'id int PRIMARY KEY, n counter');
  const update = `UPDATE ${name} SET n = n + 1 WHERE id = 1`;
  await client.batch([update, update, update], { counter: true });
  assert.strictEqual((await one(client, `SELECT n FROM ${name}`)).n.toNumber(), 3);
});

checks.set('writes a batch of prepared statements', async (client) => {
  const name = await table(client, 'prepared_batch');
  const insert = `INSERT INTO ${name} (id, v) VALUES (?, ?)`;
  await client.execute(insert, [9, 'gone'], { prepare });
  const queries = Array.from({ length: 20 }, (_, number) => ({ query: insert, params: [number + 10, 'x'] }));
  await client.batch([...queries, { query: `DELETE FROM ${name} WHERE id = ?`, params: [9] }], { prepare });
  assert.strictEqual((await client.execute(`SELECT id FROM ${name}`)).rows.length, 20);
});

checks.set('writes a batch given as text', async (client) => {
  const insert = `INSERT INTO ${await table(client, 'text_batch')} (id, v) VALUES`;
  await client.execute(`BEGIN BATCH ${insert} (1, 'a'); ${insert} (2, 'APPLY BATCH'); APPLY BATCH`);
  assert.strictEqual((await client.execute(`SELECT id FROM ${keyspace}.text_batch`)).rows.length, 2);
});

checks.set('inserts with a condition', async (client) => {
  const insert = `INSERT INTO ${await table(client, 'conditional')} (id, v) VALUES (1, 'a') IF NOT EXISTS`;
  assert((await client.execute(insert)).wasApplied());
  assert(!(await client.execute(insert)).wasApplied());
});

checks.set('updates with a condition', async (client) => {
  const name = await table(client, 'conditional_update');
  await client.execute(`INSERT INTO ${name} (id, v) VALUES (1, 'a')`);
  const update = `UPDATE ${name} SET v = ? WHERE id = 1 IF v = ?`;
  assert(!(await client.execute(update, ['b', 'z'], { prepare })).wasApplied());
  assert((await client.execute(update, ['b', 'a'], { prepare })).wasApplied());
});

checks.set('batches with a condition', async (client) => {
  const name = await table(client, 'conditional_batch', 'p int, c int, v text, PRIMARY KEY (p, c)');
  const queries = [
    `INSERT INTO ${name} (p, c, v) VALUES (0, 0, 'a') IF NOT EXISTS`,
    `INSERT INTO ${name} (p, c, v) VALUES (0, 1, 'b')`,
  ];
  assert((await client.batch(queries)).wasApplied());
  assert(!(await client.batch(queries)).wasApplied());
});

// Values.

const SCALARS = {
  ascii: 'plain',
  bigint: cassandra.types.Long.MIN_VALUE,
  blob: Buffer.from([0, 1, 255]),
  boolean: true,
  date: new cassandra.types.LocalDate(2026, 2, 28),
  decimal: cassandra.types.BigDecimal.fromString('-1.2345678901234567890'),
  double: 1.5e300,
  duration: new cassandra.types.Duration(1, 2, 3),
  float: 1.5,
  inet: cassandra.types.InetAddress.fromString('2001:db8::1'),
  int: -(2 ** 31),
  smallint: -(2 ** 15),
  text: 'naïve ☃ 😀',
  time: new cassandra.types.LocalTime(cassandra.types.Long.fromNumber(3723000004000)),
  timestamp: new Date(Date.UTC(2026, 1, 28, 1, 2, 3, 4)),
  timeuuid: cassandra.types.TimeUuid.fromString('d3b07384-d9a0-11ee-a506-0242ac120002'),
  tinyint: -128,
  uuid: cassandra.types.Uuid.fromString('5bc3e5d8-3b63-4f64-9c7f-5a0d2f7b9c11'),
  varint: cassandra.types.Integer.fromString('1267650600228229401496703205376'),
};

checks.set('keeps every scalar type', async (client) => {
  const kinds = Object.keys(SCALARS);
  const name = await table(client, 'scalars', `id int PRIMARY KEY, ${kinds.map((kind) => `c_${kind} ${kind}`).join(', ')}`);
  const columns = kinds.map((kind) => `c_${kind}`).join(', ');
  const insert = `INSERT INTO ${name} (id, ${columns}) VALUES (1, ${kinds.map(() => '?').join(', ')})`;
  await client.execute(insert, Object.values(SCALARS), { prepare });
  const row = await one(client, `SELECT ${columns} FROM ${name}`);
  for (const [kind, sent] of Object.entries(SCALARS)) {
    const text = (value) => (Buffer.isBuffer(value) ? value.toString('hex') : String(value));
    assert.strictEqual(text(row[`c_${kind}`]), text(sent), kind);
  }
});

async function keeps(client, name, type, value) {
  const full = await table(client, name, `id int PRIMARY KEY, v ${type}`);
  await client.execute(`INSERT INTO ${full} (id, v) VALUES (1, ?)`, [value], { prepare });
  assert.deepStrictEqual((await one(client, `SELECT v FROM ${full}`)).v, value);
}

checks.set('keeps collections', async (client) => {
  await keeps(client, 'lists', 'list<text>', ['b', 'a', 'b']);
  await keeps(client, 'sets', 'set<int>', [1, 2, 3]);
  await keeps(client, 'maps', 'map<text, frozen<list<int>>>', { a: [1, 2], b: [3] });
});

checks.set('keeps tuples', async (client) => {
  const name = await table(client, 'tuples', 'id int PRIMARY KEY, v tuple<int, text, double>');
  const value = new cassandra.types.Tuple(1, 'a', 2.5);
  await client.execute(`INSERT INTO ${name} (id, v) VALUES (1, ?)`, [value], { prepare });
  assert.deepStrictEqual((await one(client, `SELECT v FROM ${name}`)).v.values(), [1, 'a', 2.5]);
});

checks.set('keeps user-defined types', async (client) => {
  await client.execute(`CREATE TYPE ${keyspace}.address (street text, number int)`);
  const name = await table(client, 'people', 'id int PRIMARY KEY, home frozen<address>, others list<frozen<address>>');
  const home = { street: 'Main', number: 1 };
  await client.execute(`INSERT INTO ${name} (id, home, others) VALUES (1, ?, ?)`, [home, [home]], { prepare });
  const row = await one(client, `SELECT home, others FROM ${name}`);
  assert.deepStrictEqual([{ ...row.home }, { ...row.others[0] }], [home, home]);
});

checks.set('tells null from unset', async (client) => {
  const name = await table(client, 'unset');
  const insert = `INSERT INTO ${name} (id, v) VALUES (?, ?)`;
  for (const [value, kept] of [['a', 'a'], [cassandra.types.unset, 'a'], [null, null]]) {
    await client.execute(insert, [1, value], { prepare });
    assert.strictEqual((await one(client, `SELECT v FROM ${name}`)).v, kept);
  }
});

checks.set('keeps a value of 1 MB', (client) => keeps(client, 'large', 'blob', Buffer.alloc(1 << 20, 'abc')));

checks.set('counts with counters', async (client) => {
  const name = await table(client, 'counters', 'id int PRIMARY KEY, n counter');
  for (const step of [5, -2]) {
    await client.execute(`UPDATE ${name} SET n = n + ? WHERE id = 1`, [step], { prepare });
  }
  assert.strictEqual((await one(client, `SELECT n FROM ${name}`)).n.toNumber(), 3);
});

checks.set('reads and writes JSON', async (client) => {
  const name = await table(client, 'json');
  await client.execute(`INSERT INTO ${name} JSON ?`, ['{"id": 1, "v": "a"}'], { hints: ['text'] });
  const row = await one(client, `SELECT JSON id, v FROM ${name}`);
  assert.deepStrictEqual(JSON.parse(row.get(0)), { id: 1, v: 'a' });
});

checks.set('takes a TTL and a timestamp', async (client) => {
  const name = await table(client, 'timed');
  await client.execute(`INSERT INTO ${name} (id, v) VALUES (1, 'a') USING TTL 1000 AND TIMESTAMP 1234`);
  const row = await one(client, `SELECT TTL(v) AS ttl, WRITETIME(v) AS written FROM ${name}`);
  assert(row.ttl > 900 && row.ttl <= 1000);
  assert.strictEqual(row.written.toNumber(), 1234);
});

// Consistency, errors, flags.

checks.set('accepts every consistency level', async (client) => {
  const name = await table(client, 'consistent');
  for (const level of ['one', 'quorum', 'all', 'localQuorum', 'eachQuorum', 'localOne']) {
    const consistency = consistencies[level];
    await client.execute(`INSERT INTO ${name} (id, v) VALUES (1, 'a')`, [], { consistency });
    if (level !== 'eachQuorum') {
      await client.execute(`SELECT v FROM ${name}`, [], { consistency });
    }
  }
});

checks.set('reads with serial consistency', async (client) => {
  const name = await table(client, 'serial');
  for (const level of [consistencies.serial, consistencies.localSerial]) {
    const insert = `INSERT INTO ${name} (id, v) VALUES (1, 'a') IF NOT EXISTS`;
    await client.execute(insert, [], { serialConsistency: level });
    const row = await one(client, `SELECT v FROM ${name} WHERE id = 1`, [], { consistency: level });
    assert.strictEqual(row.v, 'a');
  }
});

async function refused(client, statement, code) {
  await assert.rejects(client.execute(statement), (error) => {
    assert.strictEqual(error.code, code, error.message);
    return true;
  });
  await client.execute('SELECT key FROM system.local'); // the session lives
}

checks.set('reports a syntax error', (client) =>
  refused(client, 'SELEKT * FROM system.local', responseErrorCodes.syntaxError));
checks.set('reports an invalid statement', (client) =>
  refused(client, `SELECT v FROM ${keyspace}.nowhere`, responseErrorCodes.invalid));
checks.set('reports what exists already', async (client) => {
  const name = await table(client, 'twice');
  await refused(client, `CREATE TABLE ${name} (id int PRIMARY KEY)`, responseErrorCodes.alreadyExists);
});

checks.set('passes warnings on', async (client) => {
  const insert = `INSERT INTO ${await table(client, 'warned')} (id, v) VALUES (?, ?)`;
  const queries = Array.from({ length: 10 }, (_, number) => ({ query: insert, params: [number, 'x'.repeat(1000)] }));
  const result = await client.batch(queries, { prepare, logged: false });
  assert(result.info.warnings?.length, 'a batch over 5 kB gives a warning');
});

checks.set('passes a custom payload on', async (client) => {
  const customPayload = { key: Buffer.from('value') };
  const result = await client.execute('SELECT * FROM system_schema.keyspaces', [], { customPayload });
  assert.deepStrictEqual({ ...result.info.customPayload }, customPayload);
});

checks.set('traces a request', async (client) => {
  const name = await table(client, 'traced');
  const result = await client.execute(`SELECT v FROM ${name}`, [], { traceQuery: true });
  await waitFor(() => client.metadata.getTrace(result.info.traceId).catch(() => null), 'the trace');
});

checks.set('stays connected by heartbeats', () =>
  connected({ pooling: { heartBeatInterval: 200 } }, async (client) => {
    const before = client.getState().getConnectedHosts().length;
    await new Promise((resolve) => setTimeout(resolve, 1000)); // five heartbeats: nothing is to happen
    assert.strictEqual(client.getState().getConnectedHosts().length, before);
    await client.execute('SELECT key FROM system.local');
  }));

// What Amazon Keyspaces has not.

checks.set('truncates a table', async (client) => {
  const name = await table(client, 'truncated');
  await client.execute(`INSERT INTO ${name} (id, v) VALUES (1, 'a')`);
  await client.execute(`TRUNCATE ${name}`);
  assert.strictEqual((await client.execute(`SELECT id FROM ${name}`)).rows.length, 0);
});
checks.set('creates an index', async (client) =>
  client.execute(`CREATE INDEX ON ${await table(client, 'indexed')} (v)`));
checks.set('creates a materialized view', async (client) =>
  client.execute(
    `CREATE MATERIALIZED VIEW ${keyspace}.by_value AS SELECT id, v FROM ${await table(client, 'viewed')} ` +
      'WHERE v IS NOT NULL AND id IS NOT NULL PRIMARY KEY (v, id)',
  ));
checks.set('creates a function', (client) =>
  client.execute(
    `CREATE FUNCTION ${keyspace}.twice (n int) RETURNS NULL ON NULL INPUT RETURNS int ` +
      "LANGUAGE java AS 'return n * 2;'",
  ));

async function outcome(check, client) {
  try {
    await check(client);
    return ['passed', ''];
  } catch (error) {
    return [error instanceof Skipped ? 'skipped' : 'failed', error instanceof Skipped ? error.message : String(error)];
  }
}

async function main() {
  await connected({}, async (client) => {
    await client.execute(`DROP KEYSPACE IF EXISTS ${keyspace}`);
    await client.execute(`CREATE KEYSPACE ${keyspace} WITH replication = ${REPLICATION}`);
    for (const [name, check] of checks) {
      if (only.length === 0 || only.includes(name)) {
        const [result, message] = await outcome(check, client);
        console.log(JSON.stringify({ name, outcome: result, message: message.slice(0, 1000) }));
      }
    }
  });
}

main().then(() => process.exit(0));
