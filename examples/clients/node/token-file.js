'use strict';
const fs = require('node:fs');
const { auth } = require('cassandra-driver');

class TokenFile extends auth.AuthProvider {
  constructor(role, path) {
    super();
    Object.assign(this, { role, path });
  }

  newAuthenticator(endpoint, name) {
    const token = fs.readFileSync(this.path, 'ascii').trim();
    return new auth.PlainTextAuthProvider(this.role, token).newAuthenticator(endpoint, name);
  }
}

module.exports = { TokenFile };
