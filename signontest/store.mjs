// What the provider remembers: records by kind and id that expire, and the
// three other ways it looks records up. Lives outside a provider instance, so that
// an instance with other keys can take over in the middle of a session.

/** @returns an adapter class for oidc-provider over one shared memory. */
export function memory() {
  const records = new Map();

  return class Adapter {
    constructor(kind) {
      this.kind = kind;
    }

    key(id) {
      return `${this.kind}/${id}`;
    }

    async upsert(id, payload, lifetime) {
      const expires = lifetime ? Date.now() + lifetime * 1000 : Infinity;
      records.set(this.key(id), { kind: this.kind, id, payload, expires });
    }

    async find(id) {
      const record = records.get(this.key(id));
      if (!record) {
        return undefined;
      }
      if (record.expires <= Date.now()) {
        records.delete(this.key(id));
        return undefined;
      }
      return record.payload;
    }

    async first(matches) {
      for (const record of records.values()) {
        if (record.kind === this.kind && matches(record.payload)) {
          return this.find(record.id);
        }
      }
      return undefined;
    }

    async findByUid(uid) {
      return this.first((payload) => payload.uid === uid);
    }

    async findByUserCode(userCode) {
      return this.first((payload) => payload.userCode === userCode);
    }

    async consume(id) {
      const payload = await this.find(id);
      if (payload) {
        payload.consumed = Math.floor(Date.now() / 1000);
      }
    }

    async destroy(id) {
      records.delete(this.key(id));
    }

    async revokeByGrantId(grantId) {
      for (const [key, { payload }] of records) {
        if (payload.grantId === grantId) {
          records.delete(key);
        }
      }
    }
  };
}
